package blob

import (
	"context"
	"net/url"
	"os"
	"path/filepath"

	"qushu/internal/base/errs"
)

// The environment's names for the keys of an S3 bucket; keys do not belong into a URL that is logged.
const (
	EnvAccessKey = "QUSHU_S3_ACCESS_KEY"
	EnvSecretKey = "QUSHU_S3_SECRET_KEY"
)

// OpenURL opens the store a configuration names: "" for the folder blobs in dataDir, file:///path for another
// folder, s3://bucket/prefix?endpoint=host:port&tls=false&region=name for a bucket (tls is true unless said
// otherwise), with the keys from the environment. What it does not understand is Invalid and named.
func OpenURL(ctx context.Context, rawURL, dataDir string) (Store, error) {
	if rawURL == "" {
		return NewFolder(filepath.Join(dataDir, "blobs"))
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errs.New(errs.Invalid, "blob.url_bad") // the cause would repeat what may be a secret
	}
	switch {
	case u.User != nil:
		return nil, errs.New(errs.Invalid, "blob.url_secret", EnvAccessKey, EnvSecretKey)
	case u.Scheme == "file" && u.Host == "" && filepath.IsAbs(u.Path) && u.RawQuery == "":
		return NewFolder(filepath.FromSlash(u.Path))
	case u.Scheme != "s3" || u.Host == "":
		return nil, errs.New(errs.Invalid, "blob.url_bad")
	}
	cfg := S3Config{
		TLS: true, Bucket: u.Host, Prefix: u.Path,
		AccessKey: os.Getenv(EnvAccessKey), SecretKey: os.Getenv(EnvSecretKey),
		SpoolDir: filepath.Join(dataDir, "blobs", "tmp"),
	}
	for key, values := range u.Query() {
		value := values[len(values)-1]
		switch {
		case key == "endpoint":
			cfg.Endpoint = value
		case key == "region":
			cfg.Region = value
		case key == "tls" && (value == "true" || value == "false"):
			cfg.TLS = value == "true"
		default:
			return nil, errs.New(errs.Invalid, "blob.url_option", key)
		}
	}
	if cfg.Endpoint == "" {
		return nil, errs.New(errs.Invalid, "blob.url_endpoint", "")
	}
	if cfg.AccessKey == "" || cfg.SecretKey == "" {
		return nil, errs.New(errs.Invalid, "blob.no_keys", EnvAccessKey, EnvSecretKey)
	}
	return NewS3(ctx, cfg)
}
