// Command asks is an app that reaches servers by sockets, as any program in Go does, and says what it heard:
//
//	GET /http?url=URL              what http.Get hears
//	GET /redis?url=URL&value=TEXT  what go-redis reads that has written TEXT
//	GET /dial?address=HOST:PORT    whether it connects
//	GET /listen, /udp              whether it listens, or sends a datagram
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
		"/http":   byHTTP,
		"/redis":  onRedis,
		"/dial":   dial,
		"/listen": listen,
		"/udp":    udp,
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

func dial(r *http.Request) (string, error) {
	conn, err := net.Dial("tcp", r.FormValue("address"))
	if err != nil {
		return "", err
	}
	return "connected", conn.Close()
}

func listen(*http.Request) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return "listening at " + listener.Addr().String(), listener.Close()
}

func udp(r *http.Request) (string, error) {
	conn, err := net.Dial("udp", r.FormValue("address"))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_, err = conn.Write([]byte("hello"))
	return "sent", err
}
