package config

import "time"

// Limits bound what peers can cost.
type Limits struct {
	Connections  int           // open at once; default 256
	PerIP        int           // open at once from one address; default 16
	Unauthorized int           // open at once that have not been let in yet; default 64
	Handshake    time.Duration // from accept to publish; default 10s
	Idle         time.Duration // without media; default 15s
	Write        time.Duration // for a peer to take what is sent to it; default 5s
	Bitrate      int64         // of one publisher, in bit/s; default 100Mbps
	HTTP         int           // connections for HTTP open at once, idle ones included; default 4096
}

func defaultLimits() Limits {
	return Limits{
		Connections:  256,
		PerIP:        16,
		Unauthorized: 64,
		Handshake:    10 * time.Second,
		Idle:         15 * time.Second,
		Write:        5 * time.Second,
		Bitrate:      100 * mbps,
		HTTP:         4096,
	}
}

func (l *Limits) read(s *section) {
	s.count("connections", &l.Connections, 1, 100_000)
	s.count("per_ip", &l.PerIP, 1, 100_000)
	s.count("unauthorized", &l.Unauthorized, 1, 100_000)
	s.duration("handshake", &l.Handshake, time.Second, 5*time.Minute)
	s.duration("idle", &l.Idle, time.Second, time.Hour)
	s.duration("write", &l.Write, 100*time.Millisecond, time.Minute)
	s.bitrate("bitrate", &l.Bitrate, 100*kbps, 100*gbps)
	s.count("http", &l.HTTP, 16, 1_000_000)
	s.close()
}
