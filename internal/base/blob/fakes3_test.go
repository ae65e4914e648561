package blob

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// fakeS3 is the part of an S3 server the store uses, in memory, one bucket, path style. It stands in because no real
// server can be counted on where the tests run; it asks for a signature but does not check it. The suite runs
// against a real server as well when QUSHU_TEST_S3 names one.
type fakeS3 struct {
	mu      sync.Mutex
	bucket  string
	objects map[string]fakeObject
	uploads map[string]*fakeUpload
	puts    int
	answer  int // when not 0, the status of every answer
}

type fakeObject struct {
	data []byte
	at   time.Time
}

type fakeUpload struct {
	key   string
	at    time.Time
	parts map[int][]byte
}

func newFakeS3(bucket string) *fakeS3 {
	return &fakeS3{bucket: bucket, objects: map[string]fakeObject{}, uploads: map[string]*fakeUpload{}}
}

func (s *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := payload(r)
	if err != nil {
		s.fail(w, r, http.StatusBadRequest, "IncompleteBody")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	q := r.URL.Query()
	switch {
	case s.answer != 0:
		s.fail(w, r, s.answer, "Chosen")
	case !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=key/"):
		s.fail(w, r, http.StatusForbidden, "AccessDenied")
	case bucket != s.bucket:
		s.fail(w, r, http.StatusNotFound, "NoSuchBucket")
	case key == "" && q.Has("location"):
		s.reply(w, struct {
			XMLName xml.Name `xml:"LocationConstraint"`
		}{})
	case key == "" && q.Has("uploads"):
		s.listUploads(w, q.Get("prefix"))
	case key == "" && r.Method == http.MethodGet:
		s.list(w, q.Get("prefix"), q.Get("continuation-token"))
	case key == "":
	case q.Has("uploads") || q.Has("uploadId"):
		s.multipart(w, r, key, body)
	case r.Method == http.MethodPut:
		s.puts++
		s.objects[key] = fakeObject{body, time.Now()}
		w.Header().Set("ETag", etag(body))
	case r.Method == http.MethodDelete:
		delete(s.objects, key)
		w.WriteHeader(http.StatusNoContent)
	default:
		o, ok := s.objects[key]
		if !ok {
			s.fail(w, r, http.StatusNotFound, "NoSuchKey")
			return
		}
		w.Header().Set("ETag", etag(o.data))
		w.Header().Set("Content-Type", "application/octet-stream")
		http.ServeContent(w, r, "", o.at, bytes.NewReader(o.data))
	}
}

func (s *fakeS3) multipart(w http.ResponseWriter, r *http.Request, key string, body []byte) {
	q := r.URL.Query()
	up := s.uploads[q.Get("uploadId")]
	switch {
	case q.Has("uploads"):
		id := strconv.Itoa(len(s.uploads) + 1)
		s.uploads[id] = &fakeUpload{key, time.Now(), map[int][]byte{}}
		s.reply(w, struct {
			XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
			UploadId string
		}{UploadId: id})
	case up == nil:
		s.fail(w, r, http.StatusNotFound, "NoSuchUpload")
	case r.Method == http.MethodDelete:
		delete(s.uploads, q.Get("uploadId"))
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPut:
		n, _ := strconv.Atoi(q.Get("partNumber"))
		up.parts[n] = body
		w.Header().Set("ETag", etag(body))
	default:
		var whole []byte
		for n := 1; up.parts[n] != nil; n++ {
			whole = append(whole, up.parts[n]...)
		}
		delete(s.uploads, q.Get("uploadId"))
		s.puts++
		s.objects[key] = fakeObject{whole, time.Now()}
		s.reply(w, struct {
			XMLName xml.Name `xml:"CompleteMultipartUploadResult"`
			Bucket  string
			Key     string
			ETag    string
		}{Bucket: s.bucket, Key: key, ETag: etag(whole)})
	}
}

// list gives two keys at a time, so that paging is used.
func (s *fakeS3) list(w http.ResponseWriter, prefix, after string) {
	type entry struct {
		Key          string
		Size         int
		LastModified string
		ETag         string
	}
	var out struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		IsTruncated           bool
		NextContinuationToken string
		Contents              []entry
	}
	var keys []string
	for k := range s.objects {
		if strings.HasPrefix(k, prefix) && k > after {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	if len(keys) > 2 {
		keys, out.IsTruncated, out.NextContinuationToken = keys[:2], true, keys[1]
	}
	for _, k := range keys {
		o := s.objects[k]
		out.Contents = append(out.Contents, entry{k, len(o.data), o.at.UTC().Format(time.RFC3339), etag(o.data)})
	}
	s.reply(w, out)
}

func (s *fakeS3) listUploads(w http.ResponseWriter, prefix string) {
	type entry struct{ Key, UploadId, Initiated string }
	var out struct {
		XMLName xml.Name `xml:"ListMultipartUploadsResult"`
		Upload  []entry
	}
	for id, up := range s.uploads {
		if strings.HasPrefix(up.key, prefix) {
			out.Upload = append(out.Upload, entry{up.key, id, up.at.UTC().Format(time.RFC3339)})
		}
	}
	s.reply(w, out)
}

func (s *fakeS3) reply(w http.ResponseWriter, v any) {
	b, err := xml.Marshal(v)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/xml")
	w.Write(b)
}

func (s *fakeS3) fail(w http.ResponseWriter, r *http.Request, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, code)
	}
}

func etag(b []byte) string {
	sum := md5.Sum(b)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// payload reads the body, taking the chunk signatures of a streamed upload off.
func payload(r *http.Request) ([]byte, error) {
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return io.ReadAll(r.Body)
	}
	br := bufio.NewReader(r.Body)
	out := []byte{}
	for {
		head, err := br.ReadString('\n')
		if err != nil {
			return nil, err
		}
		size, _, _ := strings.Cut(strings.TrimSpace(head), ";")
		n, err := strconv.ParseInt(size, 16, 64)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			_, err := io.Copy(io.Discard, br)
			return out, err
		}
		chunk := make([]byte, n+2)
		if _, err := io.ReadFull(br, chunk); err != nil {
			return nil, err
		}
		out = append(out, chunk[:n]...)
	}
}
