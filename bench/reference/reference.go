// What Go's standard library does with the same bytes, for bench/run to compare with:
//
//	reference serve FOLDER   serves files over HTTP; prints the port
//	reference pack ROOT      packs the folders in ROOT/nix/store into one layer, with gzip and both
//	                         digests, as Nixery's Go server does; prints nanoseconds, bytes
//	                         before and bytes after
package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: reference serve FOLDER | reference pack ROOT")
	}
	switch os.Args[1] {
	case "serve":
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(listener.Addr().(*net.TCPAddr).Port)
		log.Fatal(http.Serve(listener, http.FileServer(http.Dir(os.Args[2]))))
	case "pack":
		start := time.Now()
		plain, packed, err := pack(os.Args[2])
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(time.Since(start).Nanoseconds(), plain, packed)
	}
}

// pack does all in one goroutine: files, tar, SHA-256 and gzip, SHA-256 and file.
func pack(root string) (plain, packed counter, err error) {
	file, err := os.CreateTemp("", "layer")
	if err != nil {
		return
	}
	defer os.Remove(file.Name())
	defer file.Close()
	zipped := gzip.NewWriter(io.MultiWriter(&packed, sha256.New(), file))
	archive := tar.NewWriter(io.MultiWriter(&plain, sha256.New(), zipped))
	folders, err := os.ReadDir(filepath.Join(root, "nix/store"))
	if err != nil {
		return
	}
	for _, folder := range folders {
		if !folder.IsDir() || strings.HasPrefix(folder.Name(), ".") {
			continue
		}
		err = filepath.Walk(filepath.Join(root, "nix/store", folder.Name()),
			func(path string, info os.FileInfo, err error) error {
				if err != nil {
					return err
				}
				return add(archive, root, path, info)
			})
		if err != nil {
			return
		}
	}
	if err = archive.Close(); err == nil {
		err = zipped.Close()
	}
	return
}

func add(archive *tar.Writer, root, path string, info os.FileInfo) error {
	var link string
	if info.Mode()&os.ModeSymlink != 0 {
		var err error
		if link, err = os.Readlink(path); err != nil {
			return err
		}
	}
	header, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	header.Name = strings.TrimPrefix(path, root)
	if err := archive.WriteHeader(header); err != nil || !info.Mode().IsRegular() {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(archive, file)
	return err
}
