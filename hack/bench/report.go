package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/renameio/v2"

	"github.com/lyft/dockernetes/test/rig"
)

// result is the whole, as bench.json has it.
type result struct {
	Date       string    `json:"date"`
	Image      string    `json:"image"`
	CPUs       int       `json:"cpus"`
	Kernel     string    `json:"kernel"`
	LoadBefore string    `json:"loadBefore"`
	LoadAfter  string    `json:"loadAfter"`
	Sections   []section `json:"sections"`
}

type section struct {
	Title string `json:"title"`
	Rows  []line `json:"rows"`
}

// line is a row with its numbers.
type line struct {
	Key   string `json:"key"`
	Title string `json:"title"`
	Unit  string `json:"unit"`
	spread
	// Ratio is the median's to that of the yardstick; 0 where there is none.
	Ratio  float64   `json:"ratio,omitempty"`
	Values []float64 `json:"values"`
}

// sum makes the table of the values; what was not measured is not in it.
func (v values) sum() []section {
	var sections []section
	for _, s := range rows {
		sum := section{Title: s.title}
		for _, r := range s.rows {
			numbers, ok := spreadOf(v[r.key])
			if !ok {
				continue
			}
			l := line{Key: r.key, Title: r.title, Unit: r.unit, spread: numbers, Values: v[r.key]}
			if yardstick, ok := spreadOf(v[r.against]); ok && yardstick.Median > 0 {
				l.Ratio = numbers.Median / yardstick.Median
			}
			sum.Rows = append(sum.Rows, l)
		}
		if len(sum.Rows) > 0 {
			sections = append(sections, sum)
		}
	}
	return sections
}

// cells are a line's numbers as they are shown.
func (l line) cells() []string {
	digits := 2
	switch l.Unit {
	case "MB":
		digits = 0
	case "%":
		digits = 1
	}
	number := func(f float64) string { return strings.TrimSpace(fmt.Sprintf("%.*f %s", digits, f, l.Unit)) }
	ratio := ""
	if l.Ratio > 0 {
		ratio = fmt.Sprintf("%.2f", l.Ratio)
	}
	return []string{l.Title, number(l.Min), number(l.Median), number(l.Max), ratio}
}

func (r result) text() string {
	widest := 0
	for _, s := range r.Sections {
		for _, l := range s.Rows {
			widest = max(widest, 2+utf8.RuneCountInString(l.Title))
		}
	}
	var out strings.Builder
	put := func(cells ...string) {
		fmt.Fprintf(&out, "%-*s", widest, cells[0])
		for _, c := range cells[1:] {
			fmt.Fprintf(&out, "  %9s", c)
		}
		out.WriteString("\n")
	}
	for _, s := range r.Sections {
		out.WriteString("\n")
		put(s.Title, "min", "median", "max", "ratio")
		for _, l := range s.Rows {
			cells := l.cells()
			put(append([]string{"  " + cells[0]}, cells[1:]...)...)
		}
	}
	return out.String() + "\nThe ratio is that of the medians, to the yardstick's.\n" + r.about() + "\n"
}

func (r result) markdown() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n", r.about())
	for _, s := range r.Sections {
		fmt.Fprintf(&out, "\n| %s | min | median | max | ratio |\n|---|--:|--:|--:|--:|\n", s.Title)
		for _, l := range s.Rows {
			fmt.Fprintf(&out, "| %s |\n", strings.Join(l.cells(), " | "))
		}
	}
	return out.String()
}

func (r result) about() string {
	return fmt.Sprintf("%s, %s, Linux %s, %d CPUs; load average %s before and %s after.",
		r.Date, r.Image, r.Kernel, r.CPUs, r.LoadBefore, r.LoadAfter)
}

// report prints the table and writes the files.
func (b *bench) report() error {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	r := result{
		Date: b.began.UTC().Format(time.DateOnly), Image: rig.Image(), CPUs: runtime.NumCPU(), Kernel: strings.TrimSpace(string(kernel)),
		LoadBefore: b.load, LoadAfter: loadAverage(), Sections: b.values.sum(),
	}
	fmt.Print(r.text())
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(b.out, 0o755); err != nil {
		return err
	}
	files := map[string][]byte{
		filepath.Join(b.out, "bench.json"): append(data, '\n'),
		filepath.Join(b.out, "bench.md"):   []byte(r.markdown()),
		filepath.Join(b.out, "boot.svg"):   b.plot,
	}
	if b.doc != "" {
		page, err := os.ReadFile(b.doc)
		if err != nil {
			return err
		}
		replaced, err := replaceTable(string(page), r.markdown())
		if err != nil {
			return fmt.Errorf("cannot put the table into %s: %w", b.doc, err)
		}
		files[b.doc] = []byte(replaced)
	}
	for path, content := range files {
		if err := renameio.WriteFile(path, content, 0o644, renameio.WithTempDir(filepath.Dir(path)), renameio.WithStaticPermissions(0o644)); err != nil {
			return fmt.Errorf("cannot write %s: %w", path, err)
		}
		say("wrote %s", path)
	}
	return nil
}

// The table of a page is between these two lines.
const (
	tableBegins = "<!-- the table begins: make bench BENCH_DOC=docs/benchmarks.md writes it -->\n"
	tableEnds   = "<!-- the table ends -->\n"
)

func replaceTable(page, table string) (string, error) {
	before, rest, begins := strings.Cut(page, tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		return "", fmt.Errorf("it lacks the line %q or %q", strings.TrimSpace(tableBegins), strings.TrimSpace(tableEnds))
	}
	return before + tableBegins + table + tableEnds + after, nil
}
