package cluster

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/lyft/dockernetes/internal/readiness"
)

var milestones = []string{"api", "node", "dns", "default-sa", "docker", "ready"}

func TestTheReadinessFileTellsVersionsTimesAndMilestones(t *testing.T) {
	c := cluster(t)
	content := c.Exec(t, "cat", "/run/dnetinit/ready")
	var file readiness.Report
	if err := json.Unmarshal([]byte(content), &file); err != nil {
		t.Fatalf("%v\n%s", err, content)
	}
	if file.Versions["kubernetes"] != "v1.37.2" {
		t.Errorf("the version of Kubernetes is %q:\n%s", file.Versions["kubernetes"], content)
	}
	for _, name := range milestones {
		if name == "docker" {
			continue // what is ready doesn't wait for it
		}
		if seconds := file.Milestones[name]; seconds <= 0 || seconds > file.Seconds {
			t.Errorf("milestone %s was reached after %v s of %v s:\n%s", name, seconds, file.Seconds, content)
		}
	}
	if file.Ready.Before(file.Started) || time.Since(file.Started) > time.Hour {
		t.Errorf("started at %v, ready at %v", file.Started, file.Ready)
	}
}

func TestWaitReturnsAtOnceForWhatIsThere(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	for _, name := range milestones {
		r := c.Try(t, "dnetinit", "wait", "--for="+name, "--timeout=5s")
		if err := r.Err(); err != nil {
			t.Error(err)
		}
	}
	var answer map[string]any
	said := c.Exec(t, "dnetinit", "wait", "-o", "json")
	if err := json.Unmarshal([]byte(said), &answer); err != nil {
		t.Errorf("wait -o json says %q: %v", said, err)
	}
}

func TestWaitRefusesWhatNobodyKnows(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	r := c.Try(t, "dnetinit", "wait", "--for=teatime", "--timeout=5s")
	if r.Code == 0 || !strings.Contains(r.Output(), "teatime") || !strings.Contains(r.Output(), "default-sa") {
		t.Errorf("status %d; the message should name the unknown and the known:\n%s", r.Code, r.Output())
	}
}

func TestTheKubeconfigNamesTheServerThatIsAskedFor(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	said := c.Exec(t, "dnetinit", "kubeconfig", "--server", "https://127.0.0.1:4711")
	if !strings.Contains(said, "server: https://127.0.0.1:4711") {
		t.Errorf("another server:\n%s", said)
	}
}
