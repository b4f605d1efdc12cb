package egress

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// ours reports whether a loopback connection was made by a process of this user. Any other could only be after the
// stream key, or in the way. Where /proc tells nothing it is believed.
func ours(conn *net.TCPConn) bool {
	table, err := os.Open("/proc/net/tcp")
	if err != nil {
		return true
	}
	defer table.Close()
	there, ok1 := conn.RemoteAddr().(*net.TCPAddr)
	here, ok2 := conn.LocalAddr().(*net.TCPAddr)
	if !ok1 || !ok2 {
		return false
	}
	// sl, local_address, rem_address, st, queues, timer, retransmits, uid (proc(5)). A machine that serves many viewers
	// has some 10 000 lines, of connections that are over: what is done for each must be little.
	const uid = 7
	pair := []byte(inProc(there) + " " + inProc(here))
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		if !bytes.Contains(lines.Bytes(), pair) {
			continue
		}
		f := strings.Fields(lines.Text())
		return len(f) > uid && f[uid] == strconv.Itoa(os.Getuid())
	}
	return false
}

// inProc writes an IPv4 address as /proc/net/tcp does: the address in the byte order of the machine, which is little
// endian wherever this runs.
func inProc(a *net.TCPAddr) string {
	ip := a.IP.To4()
	return fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], a.Port)
}
