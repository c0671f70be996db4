package logs

import (
	"bytes"
	"strings"
	"time"
	"unicode/utf8"
)

// splitter cuts a stream of bytes into lines.
type splitter struct {
	rest []byte // the begin of a line whose end has not come yet, <= maxLine
}

// feed returns the lines that chunk completes. It keeps no reference to chunk.
func (s *splitter) feed(chunk []byte, now time.Time) []Line {
	lines := make([]Line, 0, bytes.Count(chunk, []byte{'\n'})+1)
	emit := func(b []byte) { lines = append(lines, Line{Time: now, Text: clean(b)}) }
	for len(chunk) > 0 {
		room := maxLine - len(s.rest)
		end := bytes.IndexByte(chunk[:min(len(chunk), room+1)], '\n')
		switch {
		case end >= 0 && len(s.rest) == 0: // nearly always
			emit(chunk[:end])
			chunk = chunk[end+1:]
		case end >= 0:
			emit(append(s.rest, chunk[:end]...))
			s.rest = s.rest[:0]
			chunk = chunk[end+1:]
		case len(chunk) > room:
			s.rest = append(s.rest, chunk[:room]...)
			piece := wholeRunes(s.rest)
			emit(piece)
			s.rest = append(s.rest[:0], s.rest[len(piece):]...)
			chunk = chunk[room:]
		default:
			s.rest = append(s.rest, chunk...)
			return lines
		}
	}
	return lines
}

// end returns the line that has begun but not ended, if any.
func (s *splitter) end(now time.Time) []Line {
	if len(s.rest) == 0 {
		return nil
	}
	line := Line{Time: now, Text: clean(s.rest)}
	s.rest = nil // a long line's room is not needed again soon
	return []Line{line}
}

// wholeRunes returns b without the begin of a character at its end.
func wholeRunes(b []byte) []byte {
	for n := 1; n < utf8.UTFMax && n < len(b); n++ {
		if c := b[len(b)-n]; utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-n:]) {
				return b[:len(b)-n]
			}
			break
		}
	}
	return b
}

// clean makes text that is safe to show on a terminal and to send as JSON: a
// control character becomes its picture (NUL is ␀, ESC is ␛), what is no UTF-8
// becomes U+FFFD, and the carriage return of a line's end is dropped.
func clean(b []byte) string {
	b = bytes.TrimSuffix(b, []byte{'\r'})
	if plain(b) {
		return string(b)
	}
	var text strings.Builder
	text.Grow(len(b) + 16)
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		b = b[size:]
		switch {
		case r == '\t':
		case r < ' ':
			r += '␀'
		case r == 0x7f:
			r = '␡'
		case r >= 0x80 && r < 0xa0: // control characters, too
			r = utf8.RuneError
		}
		text.WriteRune(r)
	}
	return text.String()
}

// plain is true for printable ASCII and tabs: nearly every line.
func plain(b []byte) bool {
	for _, c := range b {
		if c != '\t' && (c < ' ' || c >= 0x7f) {
			return false
		}
	}
	return true
}
