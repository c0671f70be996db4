// Package docs_test keeps the documents true: what they name is there, and
// what is there is named.
package docs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap/zaptest"

	"github.com/lyft/dockernetes/internal/boot"
	"github.com/lyft/dockernetes/internal/cli"
	"github.com/lyft/dockernetes/internal/config"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// help is what "dnetinit ARGS --help" prints.
func help(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	env := cli.Env{Stdout: &out, Stderr: &out, Getenv: func(string) string { return "" }}
	if code := env.Main(t.Context(), slices.Concat([]string{"dnetinit"}, args, []string{"--help"})); code != 0 {
		t.Fatalf("status %d: %s", code, out.String())
	}
	return out.String()
}

func TestTheReadmesTableHasEveryCommandAndNoFlagThatIsNotThere(t *testing.T) {
	_, list, _ := strings.Cut(help(t), "Available Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	var commands, documented []string
	for line := range strings.Lines(list) {
		commands = append(commands, strings.Fields(line)[0])
	}
	commands = slices.DeleteFunc(commands, func(name string) bool { return name == "help" })
	for _, row := range regexp.MustCompile("(?m)^\\| `dnetinit ([a-z]+)(.*?)` \\|").FindAllStringSubmatch(read(t, "README.md"), -1) {
		documented = append(documented, row[1])
		usage := help(t, row[1])
		for _, match := range regexp.MustCompile(`[ \[](--?[a-z]+)`).FindAllStringSubmatch(row[2], -1) {
			flag := match[1]
			if !regexp.MustCompile(`(?m)[ ,]` + flag + `[ ,]`).MatchString(usage) {
				t.Errorf("dnetinit %s has no flag %s", row[1], flag)
			}
		}
	}
	slices.Sort(commands)
	slices.Sort(documented)
	if !slices.Equal(commands, documented) {
		t.Errorf("the table has %v, and the commands are %v", documented, commands)
	}
}

func TestTheReadmesGraphHasEveryUnit(t *testing.T) {
	c, err := config.Load(filepath.Join(t.TempDir(), "none"), func(string) string { return "" }, config.Host{Hostname: "box", NodeIP: "172.17.0.2"})
	if err != nil {
		t.Fatal(err)
	}
	g, err := boot.Graph(c, zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	_, picture, _ := strings.Cut(read(t, "README.md"), "```mermaid")
	picture, _, _ = strings.Cut(picture, "```")
	var drawn []string
	for _, label := range regexp.MustCompile(`[[(]+"?(?:phases?: )?(.+?)"?[\])]+\n`).FindAllStringSubmatch(picture, -1) {
		drawn = append(drawn, regexp.MustCompile(`[a-z][a-z-]+`).FindAllString(strings.ReplaceAll(label[1], "<br/>", " "), -1)...)
	}
	var units []string
	for _, p := range g.Phases {
		units = append(units, p.Name)
	}
	for _, s := range g.Services {
		units = append(units, s.Name)
	}
	for _, m := range g.Milestones {
		units = append(units, m.Name)
	}
	slices.Sort(units)
	slices.Sort(drawn)
	if !slices.Equal(units, drawn) {
		t.Errorf("the picture has %v, and the units are %v", drawn, units)
	}
}

func TestLinksLeadSomewhere(t *testing.T) {
	pages, _ := filepath.Glob("../../docs/*.md")
	pages = append(pages, "../../README.md", "../../CONTRIBUTING.md", "../../CHANGELOG.md")
	for _, page := range pages {
		page, _ = filepath.Rel("../..", page)
		for _, link := range regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`).FindAllStringSubmatch(read(t, page), -1) {
			if _, err := os.Stat(filepath.Join("../..", filepath.Dir(page), link[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}
