package bootreport

import "github.com/lyft/dockernetes/pkg/supervisor"

// layer is one band of the picture of the CPU's use.
type layer struct {
	name  string
	class string // of its colour in the style sheet
	count counter
}

// layers are everything that uses CPU time, from the bottom of the picture to
// its top.
func (r Record) layers() []layer {
	var all []layer
	for i, u := range r.services() {
		all = append(all, layer{u.Name, serviceClass(i), ofService(u.Name)})
	}
	return append(all,
		layer{"pods and helpers", "rest", ofRest},
		layer{"dnetinit", "init", ofInit},
		layer{"outside", "others", ofOthers},
	)
}

func (r Record) services() []Unit {
	var services []Unit
	for _, u := range r.Units {
		if u.Kind == supervisor.KindService {
			services = append(services, u)
		}
	}
	return services
}

// serviceClass is the colour of the service that is the i-th in its list.
func serviceClass(i int) string { return "s" + string(rune('0'+i%serviceColours)) }

// serviceColours is how many the style sheet has.
const serviceColours = 8
