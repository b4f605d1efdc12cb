package egress

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// ours reports whether a loopback connection was made by a process of this user. Any other could only be after the
// stream key, or in the way. Where /proc tells nothing it is believed.
func ours(conn *net.TCPConn) bool {
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return true
	}
	there, ok1 := conn.RemoteAddr().(*net.TCPAddr)
	here, ok2 := conn.LocalAddr().(*net.TCPAddr)
	if !ok1 || !ok2 {
		return false
	}
	// sl, local_address, rem_address, st, queues, timer, retransmits, uid (proc(5))
	const local, remote, uid = 1, 2, 7
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) > uid && f[local] == inProc(there) && f[remote] == inProc(here) {
			return f[uid] == strconv.Itoa(os.Getuid())
		}
	}
	return false
}

// inProc writes an IPv4 address as /proc/net/tcp does: the address in the byte order of the machine, which is little
// endian wherever this runs.
func inProc(a *net.TCPAddr) string {
	ip := a.IP.To4()
	return fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], a.Port)
}
