package blob

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"qushu/internal/base/errs"
)

// youngFor is how long a blob in a bucket counts as just put, so that putting it again need not upload it again.
// It stays well below the day after which unreferenced blobs are collected.
const youngFor = 6 * time.Hour

// S3Config says where a bucket is.
type S3Config struct {
	Endpoint  string // host or host:port
	TLS       bool
	Region    string
	Bucket    string
	Prefix    string // of every key, without slashes at the ends
	AccessKey string
	SecretKey string
	SpoolDir  string            // local folder for uploads until their hash is known
	Transport http.RoundTripper // nil for the usual one
}

// bucket keeps blob abcdef… as object <prefix>/abcdef…
type bucket struct {
	c      *minio.Client
	name   string
	prefix string // "" or ending in a slash
	spool  string
	create func(dir string) (tempFile, error)
}

// NewS3 opens a store in a bucket, which must exist. Busy when the service does not answer.
// An age decision and the deletion after it are two requests there, so a Put between them can lose; the
// collector's day makes up for it.
func NewS3(ctx context.Context, cfg S3Config) (Store, error) {
	if err := os.MkdirAll(cfg.SpoolDir, 0o700); err != nil {
		return nil, writeFailed(err)
	}
	c, err := minio.New(cfg.Endpoint, &minio.Options{
		Creds:  credentials.NewStaticV4(cfg.AccessKey, cfg.SecretKey, ""),
		Secure: cfg.TLS, Region: cfg.Region, Transport: cfg.Transport,
		MaxRetries: 3, // the caller has a user waiting
	})
	if err != nil {
		return nil, errs.Wrap(err, errs.Invalid, "blob.url_endpoint", cfg.Endpoint)
	}
	b := &bucket{c: c, name: cfg.Bucket, prefix: strings.Trim(cfg.Prefix, "/"), spool: cfg.SpoolDir, create: createTemp}
	if b.prefix != "" {
		b.prefix += "/"
	}
	ok, err := c.BucketExists(ctx, cfg.Bucket)
	if err != nil {
		return nil, b.failed(err)
	}
	if !ok {
		return nil, errs.New(errs.Invalid, "blob.no_bucket", cfg.Bucket)
	}
	return b, nil
}

// failed words what the service said.
func (b *bucket) failed(err error) error {
	if _, ok := errors.AsType[*errs.Error](err); ok || errors.Is(err, context.Canceled) {
		return err
	}
	resp, _ := errors.AsType[minio.ErrorResponse](err)
	switch {
	case resp.Code == minio.NoSuchBucket:
		return errs.Wrap(err, errs.Internal, "blob.no_bucket", b.name)
	case resp.StatusCode == http.StatusNotFound:
		return missing(err)
	case resp.StatusCode == http.StatusForbidden, resp.StatusCode == http.StatusUnauthorized:
		return errs.Wrap(err, errs.Internal, "blob.refused", b.name)
	case resp.StatusCode == http.StatusInsufficientStorage, strings.Contains(resp.Code, "StorageFull"), strings.Contains(resp.Code, "Quota"):
		return errs.Wrap(err, errs.Busy, "blob.disk_full")
	case resp.StatusCode >= 400 && resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests:
		return errs.Wrap(err, errs.Internal, "blob.write_failed")
	}
	return errs.Wrap(err, errs.Busy, "blob.away")
}

// Put uploads under the hash, so a half-done upload is never a blob; S3 shows an object only when it is whole.
func (b *bucket) Put(ctx context.Context, r io.Reader, maxBytes int64) (Ref, error) {
	temp, ref, err := spool(ctx, b.create, b.spool, r, maxBytes)
	if err != nil {
		return Ref{}, err
	}
	defer os.Remove(temp) // Sweep takes what this cannot
	info, err := b.Stat(ctx, ref.Hash)
	if err == nil && info.Size == ref.Size && time.Since(info.At) < youngFor {
		return ref, nil
	}
	if err != nil && !errs.Is(err, errs.Missing) {
		return Ref{}, err
	}
	f, err := os.Open(temp)
	if err != nil {
		return Ref{}, writeFailed(err)
	}
	defer f.Close()
	_, err = b.c.PutObject(ctx, b.name, b.prefix+ref.Hash, f, ref.Size, minio.PutObjectOptions{ContentType: "application/octet-stream"})
	if err != nil {
		return Ref{}, b.failed(err)
	}
	return ref, nil
}

func (b *bucket) open(ctx context.Context, hash string) (*minio.Object, int64, error) {
	if !valid(hash) {
		return nil, 0, missing(nil)
	}
	obj, err := b.c.GetObject(ctx, b.name, b.prefix+hash, minio.GetObjectOptions{})
	if err != nil {
		return nil, 0, b.failed(err)
	}
	st, err := obj.Stat() // the first request; GetObject itself makes none
	if err != nil {
		return nil, 0, errors.Join(b.failed(err), obj.Close())
	}
	return obj, st.Size, nil
}

func (b *bucket) Open(ctx context.Context, hash string) (io.ReadCloser, int64, error) {
	obj, size, err := b.open(ctx, hash)
	if err != nil {
		return nil, 0, err
	}
	return verify(obj, Ref{hash, size}, b.failed), size, nil
}

func (b *bucket) OpenAt(ctx context.Context, hash string) (io.ReadSeekCloser, int64, error) {
	obj, size, err := b.open(ctx, hash)
	if err != nil {
		return nil, 0, err
	}
	return obj, size, nil
}

func (b *bucket) Stat(ctx context.Context, hash string) (Info, error) {
	if !valid(hash) {
		return Info{}, missing(nil)
	}
	st, err := b.c.StatObject(ctx, b.name, b.prefix+hash, minio.StatObjectOptions{})
	if err != nil {
		return Info{}, b.failed(err)
	}
	return Info{Ref{hash, st.Size}, st.LastModified}, nil
}

func (b *bucket) Delete(ctx context.Context, hash string, idle time.Duration) error {
	info, err := b.Stat(ctx, hash)
	if errs.Is(err, errs.Missing) {
		return nil
	}
	if err != nil {
		return err
	}
	if time.Since(info.At) < idle {
		return errs.New(errs.Conflict, "blob.fresh", hash)
	}
	if err := b.c.RemoveObject(ctx, b.name, b.prefix+hash, minio.RemoveObjectOptions{}); err != nil {
		return b.failed(err)
	}
	return nil
}

func (b *bucket) Walk(ctx context.Context, fn func(Info) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop() // ends the listing when fn ends it early
	for obj := range b.c.ListObjects(ctx, b.name, minio.ListObjectsOptions{Prefix: b.prefix, Recursive: true}) {
		if obj.Err != nil {
			return b.failed(obj.Err)
		}
		hash := strings.TrimPrefix(obj.Key, b.prefix)
		if !valid(hash) {
			continue
		}
		if err := fn(Info{Ref{hash, obj.Size}, obj.LastModified}); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Sweep also removes uploads in parts that were never completed.
func (b *bucket) Sweep(ctx context.Context, olderThan time.Duration) (int, error) {
	before := time.Now().Add(-olderThan)
	n, err := sweepDir(ctx, b.spool, before)
	if err != nil {
		return n, err
	}
	for up := range b.c.ListIncompleteUploads(ctx, b.name, b.prefix, true) {
		if up.Err != nil {
			return n, b.failed(up.Err)
		}
		if !up.Initiated.Before(before) {
			continue
		}
		if err := (minio.Core{Client: b.c}).AbortMultipartUpload(ctx, b.name, up.Key, up.UploadID); err != nil {
			return n, b.failed(err)
		}
		n++
	}
	return n, nil
}
