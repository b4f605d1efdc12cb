package process

import "golang.org/x/sys/unix"

// What ioprio_set(2) takes.
const (
	ioprioGroup      = 2 // who: a process group
	ioprioBestEffort = 2 << 13
	ioprioLast       = 7
)

// nicest is how nice a process can be.
const nicest = 19

// giveWay makes a child yield processor and disk. It is asked of the child's group, of which it is the leader: asked of
// the process it would be its first thread alone (measured). Threads and children that are started later inherit it.
// The disk's idle class would be lower still, but a disk that is always busy would never serve it.
func giveWay(pid int) {
	_ = unix.Setpriority(unix.PRIO_PGRP, pid, nicest)
	_, _, _ = unix.Syscall(unix.SYS_IOPRIO_SET, ioprioGroup, uintptr(pid), ioprioBestEffort|ioprioLast)
}
