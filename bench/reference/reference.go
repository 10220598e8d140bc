// What Go's standard library does with the same bytes, for bench/run to compare with:
//
//	reference serve FOLDER   serves files over HTTP; prints the port
//	reference gzip FILE      compresses as Nixery's Go server does; prints nanoseconds and bytes
package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"
)

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: reference serve FOLDER | reference gzip FILE")
	}
	switch os.Args[1] {
	case "serve":
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(listener.Addr().(*net.TCPAddr).Port)
		log.Fatal(http.Serve(listener, http.FileServer(http.Dir(os.Args[2]))))
	case "gzip":
		file, err := os.Open(os.Args[2])
		if err != nil {
			log.Fatal(err)
		}
		start := time.Now()
		var size counter
		packed := gzip.NewWriter(&size)
		if _, err := io.Copy(packed, bufio.NewReaderSize(file, 1<<20)); err != nil {
			log.Fatal(err)
		}
		if err := packed.Close(); err != nil {
			log.Fatal(err)
		}
		fmt.Println(time.Since(start).Nanoseconds(), int64(size))
	}
}
