package main

import (
	"cmp"
	"slices"
)

// values are what was measured: by the key of a row, one number a run.
type values map[string][]float64

func (v values) add(key string, value float64) { v[key] = append(v[key], value) }

// spread sums up the numbers of a row.
type spread struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// spreadOf returns false if there are no numbers.
func spreadOf(numbers []float64) (s spread, ok bool) {
	if len(numbers) == 0 {
		return s, false
	}
	sorted := slices.Clone(numbers)
	slices.SortFunc(sorted, cmp.Compare)
	half := len(sorted) / 2
	median := sorted[half]
	if len(sorted)%2 == 0 {
		median = (sorted[half-1] + median) / 2
	}
	return spread{sorted[0], median, sorted[len(sorted)-1]}, true
}
