package main

import (
	"os"
	"runtime/debug"
	"strconv"
	"time"
)

// bootGC is the variable that holds a GOGC for the time of the boot only.
const bootGC = "KUBERNETES_BOOT_GOGC"

// bootTime is how long that time is. A command that is started by hand when
// the cluster is up already loses nothing by it.
const bootTime = 15 * time.Second

// relaxGC keeps the garbage collector out of the way while a command starts:
// kube-apiserver fills 200 MB of heap from nothing within two seconds, and with
// the usual GOGC of 100 spends a fifth of its CPU time then on collecting what
// is hardly garbage. Afterwards GOGC is as it would have been, and what the
// heap grew by is given back to the system.
//
// Without the variable, or with one that is no number, nothing is done.
func relaxGC() {
	percent, err := strconv.Atoi(os.Getenv(bootGC))
	if err != nil {
		return
	}
	usual := debug.SetGCPercent(percent)
	time.AfterFunc(bootTime, func() {
		debug.SetGCPercent(usual)
		debug.FreeOSMemory()
	})
}
