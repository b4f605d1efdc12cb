// Command restreamd is a restream relay: it takes one RTMP publish and records it, packages it as HLS and pushes it to
// every platform that has a file in destinations.d.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
)

// Exit codes.
const (
	exitFailed = 1 // failed while running
	exitUsage  = 2 // usage or configuration
)

// version is set by the build.
var version = "dev"

func main() { os.Exit(run(os.Args)) }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once; children then see end of stdin
	err := app().RunContext(ctx, args)
	if err == nil {
		return 0
	}
	fmt.Fprintf(os.Stderr, "restreamd: %v\n", err)
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

// usageError marks an error that a person mends by another command line or configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func app() *cli.App {
	a := &cli.App{
		Name:            "restreamd",
		Usage:           "publish once, get a recording, HLS and every platform in destinations.d",
		Version:         version,
		HideHelpCommand: true,
		Flags:           flags(),
		Action:          serve,
		Commands: []*cli.Command{
			{Name: "serve", Usage: "run the relay (the default)", Flags: flags(), Action: serve},
			{Name: "check", Usage: "load everything and print what would run; exit 2 on mistakes", Flags: flags(), Action: check},
			{Name: "status", Usage: "show streams and outputs of the running relay", Flags: append(flags(),
				&cli.BoolFlag{Name: "json", Usage: "print the API's answer as it is"},
				&cli.BoolFlag{Name: "watch", Usage: "show it again every 2 s, until Ctrl-C"},
			), Action: status},
			recordCommand(),
			{Name: "key", Usage: "stream keys", Subcommands: []*cli.Command{{
				Name: "new", Usage: "make a stream key and print what OBS asks for", ArgsUsage: "STREAM --name NAME", Action: newKey,
				Flags: append(flags(), &cli.StringFlag{Name: "name", Value: "studio", Usage: "what logs and the dashboard call it"}),
			}}},
			{Name: "token", Usage: "make a signed, expiring stream key", Action: newToken, Flags: append(flags(),
				&cli.StringFlag{Name: "stream", Value: "main", Usage: "the stream it opens"},
				&cli.StringFlag{Name: "action", Value: "publish", Usage: "publish or play"},
				&cli.DurationFlag{Name: "for", Value: 4 * time.Hour, Usage: "how long it is valid"},
				&cli.StringFlag{Name: "ip", Usage: "address or network it may be used from"},
				&cli.StringFlag{Name: "name", Usage: "what logs and the dashboard call its holder"},
			)},
			{Name: "recover", Usage: "repair the recordings in a folder that a relay left, or in a copy of it", ArgsUsage: "DIR",
				Flags: recoverFlags(), Action: recoverFolder},
		},
		OnUsageError:   func(_ *cli.Context, err error, _ bool) error { return usageError{err} },
		ExitErrHandler: func(*cli.Context, error) {}, // run decides
	}
	for _, c := range a.Commands {
		c.OnUsageError = a.OnUsageError
	}
	return a
}

func flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "config", Usage: "configuration file", DefaultText: "restreamd.yml if it is there"},
		&cli.StringFlag{Name: "destinations", Usage: "folder of destination files", DefaultText: "destinations.d"},
		&cli.StringFlag{Name: "data", Usage: "folder of recordings, HLS and state", DefaultText: "data"},
		&cli.BoolFlag{Name: "debug", Usage: "log more"},
	}
}
