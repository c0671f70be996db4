package bootreport

import (
	"fmt"
	"strings"
)

// cpu draws the CPUs in use as bands on top of each other.
func (p *plot) cpu() {
	cores := float64(max(1, p.CPUs))
	bottom := headTop + cpuHeight
	y := func(used float64) float64 { return bottom - min(used, cores)/cores*(cpuHeight-8) }
	edges := p.edges()
	floor := make([]float64, max(0, len(edges)-1))
	for _, l := range p.layers() {
		upper, lower := "", ""
		some := false
		for i := range floor {
			a, b := edges[i], edges[i+1]
			x0, x1 := p.x(a), p.x(b)
			lower = fmt.Sprintf("L%.1f %.1fL%.1f %.1f", x1, y(floor[i]), x0, y(floor[i])) + lower
			use := p.used(l.count, a, b) / (b - a).Seconds()
			some = some || use > .005
			floor[i] += use
			upper += fmt.Sprintf("L%.1f %.1fL%.1f %.1f", x0, y(floor[i]), x1, y(floor[i]))
		}
		if some {
			p.put(`<path class="%s band" d="%s%sz"><title>%s</title></path>`, l.class, strings.Replace(upper, "L", "M", 1), lower, escape(l.name))
		}
	}
	for n := 1.0; n <= cores; n++ {
		if cores > 8 && n != cores && int(n)%8 != 0 {
			continue
		}
		p.put(`<path class="cores" d="M%.0f %.1fH%.1f"/><text class="tick" x="%.0f" y="%.1f" text-anchor="end">%.0f CPU</text>`,
			left, y(n), width-right, left-10, y(n)+4, n)
	}
}

// edges are the moments between which the use is averaged: those of the
// samples, or fewer if there are very many.
func (p *plot) edges() []Offset {
	var edges []Offset
	for _, s := range p.Samples {
		if s.At <= p.until && (len(edges) == 0 || s.At-edges[len(edges)-1] >= p.until/maxPoints) {
			edges = append(edges, s.At)
		}
	}
	return edges
}
