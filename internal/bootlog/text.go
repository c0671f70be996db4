package bootlog

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxText is how many characters of a reason or of a line of a log are shown.
const maxText = 400

// Seconds says how long something took as people write it: "0.02 s", "7.9 s",
// "2m5s".
func Seconds(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

var escapes = regexp.MustCompile("\x1b(\\[[0-9;?]*[ -/]*[@-~]|[()][A-Za-z0-9]|\\][^\x07\x1b]*(\x07|\x1b\\\\)?)?")

// Printable takes out of s, which a child may have filled with anything, what
// would do something to a terminal: escape sequences and control characters.
func Printable(s string) string {
	s = escapes.ReplaceAllString(strings.ToValidUTF8(s, "?"), "")
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
}

// Clean makes a printable line of s that is not too long to be read.
func Clean(s string) string {
	s = strings.TrimRight(Printable(s), " ")
	if utf8.RuneCountInString(s) > maxText {
		s = string([]rune(s)[:maxText-1]) + "…"
	}
	return s
}
