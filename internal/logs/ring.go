package logs

// ring holds the last lines, bounded by their number and by their bytes.
type ring struct {
	lines    []Line // a circle
	first, n int
	bytes    int
	maxBytes int
}

func newRing(lines, maxBytes int) *ring {
	return &ring{lines: make([]Line, lines), maxBytes: maxBytes}
}

func (r *ring) add(line Line) {
	for r.n == len(r.lines) || r.n > 0 && r.bytes+len(line.Text) > r.maxBytes {
		r.bytes -= len(r.lines[r.first].Text)
		r.lines[r.first] = Line{}
		r.first = (r.first + 1) % len(r.lines)
		r.n--
	}
	r.lines[(r.first+r.n)%len(r.lines)] = line
	r.n++
	r.bytes += len(line.Text)
}

// last returns the last n lines, oldest first.
func (r *ring) last(n int) []Line {
	n = max(0, min(n, r.n))
	lines := make([]Line, 0, n)
	for i := r.n - n; i < r.n; i++ {
		lines = append(lines, r.lines[(r.first+i)%len(r.lines)])
	}
	return lines
}

// follower is somebody who reads the lines as they come.
type follower struct {
	lines   chan Line
	skipped uint64
	stop    func() bool
}

// send never waits: what the follower has no room for is counted, and told
// with the next line that it has room for.
func (f *follower) send(lines []Line) {
	for _, line := range lines {
		line.Skipped = f.skipped
		select {
		case f.lines <- line:
			f.skipped = 0
		default:
			f.skipped++
		}
	}
}
