package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
)

// LimitMemory bounds what the group's processes may use together, without swap;
// 0 lifts the bound. It is an error where the group has no memory controller.
func (g *Group) LimitMemory(bytes uint64) error {
	value := strconv.FormatUint(bytes, 10)
	limit, swap := "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"
	if g.unified {
		limit, swap = "memory.max", "memory.swap.max"
	}
	if bytes == 0 {
		value = map[bool]string{true: "max", false: "-1"}[g.unified]
		// On v1 the bound of both together can't be below that of memory.
		return errors.Join(g.set(swap, value, true), g.set(limit, value, false))
	}
	swapValue := value
	if g.unified {
		swapValue = "0"
	}
	return errors.Join(g.set(limit, value, false), g.set(swap, swapValue, true))
}

// set writes a file that is in one of the group's directories. One that is
// optional need not be there: without swap accounting there is no bound of swap.
func (g *Group) set(file, value string, optional bool) error {
	for _, dir := range g.dirs {
		err := write(filepath.Join(dir, file), value)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("cannot write %s to %s: %w", value, filepath.Join(dir, file), err)
		}
		return nil
	}
	if optional {
		return nil
	}
	return fmt.Errorf("cannot write %s to %s of cgroup %s: it has no such file", value, file, g.Path)
}
