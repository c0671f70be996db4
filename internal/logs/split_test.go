package logs

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestLinesAreCutOutOfChunks(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for name, c := range map[string]struct {
		chunks []string
		want   []string
	}{
		"a line":                               {[]string{"a\n"}, []string{"a"}},
		"two in one chunk":                     {[]string{"a\nb\n"}, []string{"a", "b"}},
		"one in three chunks":                  {[]string{"a", "b", "c\n"}, []string{"abc"}},
		"empty lines":                          {[]string{"\n\n", "\n"}, []string{"", "", ""}},
		"nothing":                              {nil, nil},
		"a last line without an end":           {[]string{"a\nb"}, []string{"a", "b"}},
		"a carriage return before the newline": {[]string{"a\r\nb\r", "\n"}, []string{"a", "b"}},
		"the longest line":                     {[]string{long + "\n"}, []string{long}},
		"the longest line, its end later":      {[]string{long, "\na\n"}, []string{long, "a"}},
		"a byte too long":                      {[]string{long + "y\n"}, []string{long, "y"}},
		"a byte too long, later":               {[]string{long, "y\n"}, []string{long, "y"}},
		"much too long":                        {[]string{long + long + long}, []string{long, long, long}},
		"too long over chunks":                 {[]string{"a" + long[1:9000], long, "b\n"}, []string{"a" + long[1:], long[:9000] + "b"}},
		"no character is cut in two": {
			[]string{long[1:] + "€\n"}, []string{long[1:], "€"}},
		"no character is cut in two over chunks": {
			[]string{long[1:] + "€"[:1], "€"[1:] + "\n"}, []string{long[1:], "€"}},
	} {
		t.Run(name, func(t *testing.T) {
			var s splitter
			var got []string
			now := time.Now()
			add := func(lines []Line) {
				for _, line := range lines {
					if line.Time != now {
						t.Errorf("line %q is of %s", line.Text, line.Time)
					}
					got = append(got, line.Text)
				}
			}
			for _, chunk := range c.chunks {
				add(s.feed([]byte(chunk), now))
			}
			add(s.end(now))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

func TestTextIsMadeSafe(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"plain":              {"hello, world\t~", "hello, world\t~"},
		"UTF-8":              {"größer 日本", "größer 日本"},
		"NUL":                {"a\x00b", "a␀b"},
		"escape sequences":   {"\x1b[31mred\x07", "␛[31mred␇"},
		"delete":             {"\x7f", "␡"},
		"C1 controls":        {"\u009b31m", "\ufffd31m"},
		"broken UTF-8":       {"a\xff\xc3(", "a\ufffd\ufffd("},
		"a cut character":    {"\xe2\x82", "\ufffd\ufffd"},
		"a return inside":    {"a\rb", "a␍b"},
		"a return at end":    {"a\r", "a"},
		"nothing":            {"", ""},
		"nothing but return": {"\r", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := clean([]byte(c.in)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// Whatever comes, and however it is cut into chunks, the lines are the same
// text, safe and not too long.
func FuzzSplit(f *testing.F) {
	f.Add([]byte("a\nb\x00\xff\r\n"), 3)
	f.Add([]byte(strings.Repeat("€", maxLine)), 4096)
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		size = max(1, min(size, readSize))
		var whole, parts splitter
		now := time.Now()
		want := append(whole.feed(text, now), whole.end(now)...)
		var got []Line
		for rest := text; len(rest) > 0; {
			n := min(size, len(rest))
			got = append(got, parts.feed(rest[:n], now)...)
			if len(parts.rest) > maxLine {
				t.Fatalf("%d bytes are held", len(parts.rest))
			}
			rest = rest[n:]
		}
		got = append(got, parts.end(now)...)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
		for _, line := range got {
			if len(line.Text) > 3*maxLine || !utf8.ValidString(line.Text) || strings.ContainsAny(line.Text, "\x00\x1b\r\n") {
				t.Errorf("unsafe line of %d bytes", len(line.Text))
			}
		}
	})
}

func TestTheRingKeepsTheLastLines(t *testing.T) {
	line := func(text string) Line { return Line{Text: text} }
	big := strings.Repeat("x", 10)
	for name, c := range map[string]struct {
		add  []string
		n    int
		want string
	}{
		"none":                       {nil, 5, ""},
		"fewer than there is room":   {[]string{"a", "b"}, 5, "a|b"},
		"fewer are asked for":        {[]string{"a", "b", "c"}, 2, "b|c"},
		"a negative number":          {[]string{"a"}, -1, ""},
		"more lines than room":       {[]string{"a", "b", "c", "d"}, 5, "b|c|d"},
		"much more lines than room":  {[]string{"a", "b", "c", "d", "e", "f", "g"}, 5, "e|f|g"},
		"more bytes than room":       {[]string{"a", "b", "12345678901"}, 5, "b|12345678901"},
		"a line fills it":            {[]string{"a", big + "12"}, 5, big + "12"},
		"a line is larger than it":   {[]string{"a", big + big}, 5, big + big},
		"room again after the large": {[]string{big + big, "a", "b"}, 5, "a|b"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRing(3, 12)
			for _, text := range c.add {
				r.add(line(text))
			}
			if got := texts(r.last(c.n)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
