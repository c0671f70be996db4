// Command app is what the tests run as pods: one static program whose first
// argument says what it is.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

const usage = `usage: app COMMAND [ARGUMENT…]
  serve [ADDRESS]       serve HTTP, at :8080 unless told otherwise
  get URL [SOCKET]      print what a GET answers; status 1 unless it is 200
  lookup NAME           print the addresses of a name
  dns NAME=ADDRESS…     answer DNS queries on port 53
  cat FILE              print a file
  write FILE TEXT       write a file
  lines N               print N lines, one every 100 ms
  echo TEXT             print a text
  stdin                 copy stdin to stdout
  sleep DURATION        wait
  eat N                 take N MB of memory, and keep them
  exit N                exit with status N`

// commands are all that the program can do.
var commands = map[string]func(args []string) error{
	"serve":  serve,
	"get":    get,
	"lookup": lookup,
	"dns":    serveDNS,
	"cat":    cat,
	"write":  func(args []string) error { return os.WriteFile(argument(args, 0), []byte(argument(args, 1)), 0o644) },
	"lines":  printLines,
	"echo":   func(args []string) error { _, err := fmt.Println(strings.Join(args, " ")); return err },
	"stdin":  func([]string) error { _, err := io.Copy(os.Stdout, os.Stdin); return err },
	"sleep":  sleep,
	"eat":    eat,
	"exit":   exit,
}

func main() {
	run := commands[argument(os.Args, 1)]
	if run == nil {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(64)
	}
	if err := run(os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "app:", err)
		os.Exit(1)
	}
}

// argument is args[i], or "" where there are fewer.
func argument(args []string, i int) string {
	if i < len(args) {
		return args[i]
	}
	return ""
}

func get(args []string) error {
	client := http.Client{Timeout: 5 * time.Second}
	if socket := argument(args, 1); socket != "" {
		client.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}}
	}
	response, err := client.Get(argument(args, 0))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(os.Stdout, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", argument(args, 0), response.Status)
	}
	return nil
}

func lookup(args []string) error {
	addresses, err := net.LookupHost(argument(args, 0))
	if err != nil {
		return err
	}
	fmt.Println(strings.Join(addresses, "\n"))
	return nil
}

func cat(args []string) error {
	content, err := os.ReadFile(argument(args, 0))
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(content)
	return err
}

func printLines(args []string) error {
	n, err := strconv.Atoi(argument(args, 0))
	if err != nil {
		return err
	}
	for i := range n {
		fmt.Println("line", i+1)
		time.Sleep(100 * time.Millisecond)
	}
	return nil
}

func sleep(args []string) error {
	d, err := time.ParseDuration(argument(args, 0))
	if err != nil {
		return err
	}
	time.Sleep(d)
	return nil
}

// eat takes memory and writes to each page of it: only then it is taken.
func eat(args []string) error {
	megabytes, err := strconv.Atoi(argument(args, 0))
	if err != nil {
		return err
	}
	memory := make([]byte, megabytes<<20)
	for i := 0; i < len(memory); i += os.Getpagesize() {
		memory[i] = 1
	}
	time.Sleep(time.Hour)
	runtime.KeepAlive(memory)
	return nil
}

func exit(args []string) error {
	code, err := strconv.Atoi(argument(args, 0))
	if err != nil {
		return err
	}
	os.Exit(code)
	return nil
}
