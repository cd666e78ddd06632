// Command asks is an app that reaches servers by sockets, as any program in Go does, and says what it heard:
//
//	GET /http?url=URL                  what http.Get hears
//	GET /redis?url=URL&value=TEXT      what go-redis reads that has written TEXT
//	GET /dial?network=N&address=A      whether it connects and sends
//	GET /listen?network=N&address=A    whether it listens for connections
//	GET /packets?network=N&address=A   whether it listens for datagrams
//	GET /lookup?record=R&name=NAME     what net.LookupSRV and the like find
//
// What fails is a 502 with the error.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"

	"asks/wasihttp"

	"github.com/redis/go-redis/v9"
)

func main() {
	mux := http.NewServeMux()
	for path, ask := range map[string]func(*http.Request) (string, error){
		"/http":    byHTTP,
		"/redis":   onRedis,
		"/dial":    dial,
		"/listen":  listen,
		"/packets": packets,
		"/lookup":  lookup,
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			heard, err := ask(r)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
			fmt.Fprint(w, heard)
		})
	}
	wasihttp.Serve(mux)
}

func byHTTP(r *http.Request) (string, error) {
	answer, err := http.Get(r.FormValue("url"))
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return fmt.Sprintf("%s %d %s", answer.Proto, answer.StatusCode, body), err
}

func onRedis(r *http.Request) (string, error) {
	options, err := redis.ParseURL(r.FormValue("url"))
	if err != nil {
		return "", err
	}
	options.MaxRetries = -1
	client := redis.NewClient(options)
	defer client.Close()
	if err := client.Set(r.Context(), "asked", r.FormValue("value"), 0).Err(); err != nil {
		return "", err
	}
	return client.Get(r.Context(), "asked").Result()
}

// dial connects and sends something: a socket for datagrams connects to nobody yet.
func dial(r *http.Request) (string, error) {
	conn, err := net.Dial(r.FormValue("network"), r.FormValue("address"))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_, err = conn.Write([]byte("hello"))
	return "connected", err
}

func listen(r *http.Request) (string, error) {
	listener, err := net.Listen(r.FormValue("network"), r.FormValue("address"))
	if err != nil {
		return "", err
	}
	return "listening at " + listener.Addr().String(), listener.Close()
}

func packets(r *http.Request) (string, error) {
	conn, err := net.ListenPacket(r.FormValue("network"), r.FormValue("address"))
	if err != nil {
		return "", err
	}
	return "listening at " + conn.LocalAddr().String(), conn.Close()
}

func lookup(r *http.Request) (string, error) {
	name := r.FormValue("name")
	var found any
	var err error
	switch record := r.FormValue("record"); record {
	case "CNAME":
		found, err = net.LookupCNAME(name)
	case "MX":
		found, err = net.LookupMX(name)
	case "NS":
		found, err = net.LookupNS(name)
	case "PTR":
		found, err = net.LookupAddr(name)
	case "SRV":
		_, found, err = net.LookupSRV("mongodb", "tcp", name)
	case "TXT":
		found, err = net.LookupTXT(name)
	default:
		err = fmt.Errorf("%q is not looked up here", record)
	}
	return fmt.Sprint(found), err
}
