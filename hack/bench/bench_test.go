package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheMiddleOfNumbers(t *testing.T) {
	for name, test := range map[string]struct {
		numbers []float64
		want    spread
		ok      bool
	}{
		"one":                           {[]float64{3}, spread{3, 3, 3}, true},
		"an odd number of them":         {[]float64{9, 1, 2}, spread{1, 2, 9}, true},
		"an even number: between both":  {[]float64{4, 1, 2, 8}, spread{1, 3, 8}, true},
		"none":                          {nil, spread{}, false},
		"one that is far off: no drift": {[]float64{1, 1, 1, 1, 100}, spread{1, 1, 100}, true},
	} {
		if got, ok := spreadOf(test.numbers); got != test.want || ok != test.ok {
			t.Errorf("%s: got %+v, %v", name, got, ok)
		}
	}
	numbers := []float64{2, 1}
	if spreadOf(numbers); !slices.Equal(numbers, []float64{2, 1}) {
		t.Error("the order of the runs is lost")
	}
}

func TestTheOptions(t *testing.T) {
	for name, test := range map[string]struct {
		env  map[string]string
		want options
		says string
	}{
		"the defaults": {want: options{n: 10, long: 3, settle: 30 * time.Second, idle: time.Minute, out: ".build/bench"}},
		"all of them": {env: map[string]string{"BENCH_N": "2", "BENCH_LONG": "0", "BENCH_SETTLE": "1s", "BENCH_IDLE": "0s", "BENCH_OUT": "o", "BENCH_DOC": "d.md"},
			want: options{n: 2, settle: time.Second, out: "o", doc: "d.md"}},
		"no number": {env: map[string]string{"BENCH_N": "few"}, says: `BENCH_N="few"`},
		"no length": {env: map[string]string{"BENCH_IDLE": "60"}, says: `BENCH_IDLE="60"`},
	} {
		got, err := readOptions(func(name string) string { return test.env[name] })
		switch {
		case test.says != "":
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: got %v", name, err)
			}
		case err != nil || got != test.want:
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

// sample is what a short run measures.
func sample() result {
	v := values{}
	for _, n := range []float64{3, 4, 5} {
		v.add("yardstick.ready", n/2)
		v.add("init.ready", n)
		v.add("idle", n)
		v.add("image.gzip", 200+n)
	}
	return result{Date: "2026-01-02", Image: "an/image:v1", CPUs: 2, Kernel: "6.1", LoadBefore: "0.5", LoadAfter: "1.5", Sections: v.sum()}
}

func TestTheTableHasWhatWasMeasuredAndItsRatio(t *testing.T) {
	text, page := sample().text(), sample().markdown()
	for _, want := range []string{
		"  PID 1's first instruction → ready     3.00 s     4.00 s     5.00 s       2.00\n",
		"  CPU when idle, of one core             3.0 %      4.0 %      5.0 %           \n",
		"  saved and gzip'd                      203 MB     204 MB     205 MB           \n",
		"load average 0.5 before and 1.5 after",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in %s", want, text)
		}
	}
	for _, want := range []string{
		"| PID 1's first instruction → ready | 3.00 s | 4.00 s | 5.00 s | 2.00 |\n",
		"| Parts of it | min | median | max | ratio |\n|---|--:|--:|--:|--:|\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("there is no %q in %s", want, page)
		}
	}
	if strings.Contains(text, "docker restart") {
		t.Error("what was not measured is in the table")
	}
	data, err := json.Marshal(sample())
	if err != nil || !strings.Contains(string(data), `"min":3,"median":4,"max":5,"ratio":2,"values":[3,4,5]`) {
		t.Errorf("got %s, %v", data, err)
	}
}

func TestEachRowHasAKeyOfItsOwnAndAYardstickThatThereIs(t *testing.T) {
	keys := map[string]bool{}
	for _, s := range rows {
		for _, r := range s.rows {
			if keys[r.key] {
				t.Errorf("%s is there twice", r.key)
			}
			keys[r.key] = true
		}
	}
	for _, s := range rows {
		for _, r := range s.rows {
			if r.against != "" && !keys[r.against] {
				t.Errorf("%s is compared with %s, which is not measured", r.key, r.against)
			}
		}
	}
}

func TestTheTableOfAPageIsReplaced(t *testing.T) {
	got, err := replaceTable("before\n"+tableBegins+"old\n"+tableEnds+"after\n", "new\n")
	if want := "before\n" + tableBegins + "new\n" + tableEnds + "after\n"; err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
	for _, page := range []string{"", tableBegins, tableEnds + tableBegins} {
		if _, err := replaceTable(page, "new\n"); err == nil {
			t.Errorf("%q is taken", page)
		}
	}
}

func TestTheDocumentationHasAPlaceForTheTable(t *testing.T) {
	page, err := os.ReadFile("../../docs/benchmarks.md")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := replaceTable(string(page), ""); err != nil {
		t.Error(err)
	}
}

func TestTheYardsticksCertificatesFitTogether(t *testing.T) {
	dir := t.TempDir()
	admin, err := writeCertificates(dir)
	if err != nil {
		t.Fatal(err)
	}
	server, err := tls.LoadX509KeyPair(filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key"))
	if err != nil {
		t.Fatal(err)
	}
	authority, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	who := make(chan string, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		who <- r.TLS.PeerCertificates[0].Subject.String()
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{server}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
	s.StartTLS()
	defer s.Close()
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{admin}}}}
	defer web.CloseIdleConnections()
	if err := ask(t.Context(), web, s.URL); err != nil {
		t.Fatal(err)
	}
	if got := <-who; got != "CN=admin,O=system:masters" {
		t.Errorf("the server sees %s", got)
	}
}

func TestTheYardstickAsksUntilTheAnswerIsGood(t *testing.T) {
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked < 3 {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer s.Close()
	if err := healthy(t.Context(), nil, s.Client(), s.URL); err != nil || asked != 3 {
		t.Errorf("asked %d times: %v", asked, err)
	}
	failed := make(chan error, 1)
	failed <- errors.New("etcd ended")
	if err := healthy(t.Context(), failed, s.Client(), "http://127.0.0.1:1"); err == nil || err.Error() != "etcd ended" {
		t.Errorf("got %v", err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := healthy(over, nil, s.Client(), "http://127.0.0.1:1"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAProgramThatEndsIsAFailureWithItsLog(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	failed := make(chan error, 1)
	if err := start(t.Context(), failed, "ls", "/no/such/place"); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; !strings.Contains(err.Error(), "ls ended (exit status") || !strings.Contains(err.Error(), "/no/such/place") {
		t.Errorf("got %v", err)
	}
}
