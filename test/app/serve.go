package main

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
)

// serve answers HTTP: what a test may ask a pod about itself.
func serve(args []string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /hostname", func(w http.ResponseWriter, _ *http.Request) {
		name, err := os.Hostname()
		reply(w, []byte(name+"\n"), err)
	})
	mux.HandleFunc("GET /env/{name}", func(w http.ResponseWriter, r *http.Request) {
		reply(w, []byte(os.Getenv(r.PathValue("name"))), nil)
	})
	mux.HandleFunc("GET /file/{path...}", func(w http.ResponseWriter, r *http.Request) {
		content, err := os.ReadFile("/" + r.PathValue("path"))
		reply(w, content, err)
	})
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	address := cmp.Or(argument(args, 0), ":8080")
	fmt.Println("serving at", address)
	return http.ListenAndServe(address, mux)
}

func reply(w http.ResponseWriter, content []byte, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Write(content)
}
