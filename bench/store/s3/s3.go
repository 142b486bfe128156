// Package s3 is a store in a bucket of any service that speaks S3.
package s3

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Scheme is how the names of places in buckets begin: s3://bucket/prefix.
const Scheme = "s3://"

// Bucket is a store in all objects of a bucket whose names begin with a prefix.
type Bucket struct {
	client         *minio.Client
	bucket, prefix string
}

// Open is the store at s3://bucket/prefix. It asks nobody yet. Who may read and write
// there is said as for other programs: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY,
// the file of AWS_SHARED_CREDENTIALS_FILE, or the role of the machine or pod; the
// service by AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL (else Amazon's), its region by
// AWS_REGION.
func Open(place string) (*Bucket, error) {
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(place, Scheme), "/")
	if !strings.HasPrefix(place, Scheme) || bucket == "" {
		return nil, fmt.Errorf("%s: want s3://bucket or s3://bucket/prefix", place)
	}
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		prefix += "/"
	}

	// A service in the laboratory is named by a URL, without TLS where that says http.
	endpoint, secure := "s3.amazonaws.com", true
	for _, key := range []string{"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"} {
		v := os.Getenv(key)
		if v == "" {
			continue
		}
		u, err := url.Parse(v)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("%s=%s: want a URL such as https://host:9000", key, v)
		}
		endpoint, secure = u.Host, u.Scheme == "https"
		break
	}

	client, err := minio.New(endpoint, &minio.Options{
		Secure: secure, Region: os.Getenv("AWS_REGION"),
		Creds: credentials.NewChainCredentials([]credentials.Provider{
			&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{},
		}),
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	return &Bucket{client, bucket, prefix}, nil
}

// Put uploads an object.
func (b *Bucket) Put(ctx context.Context, name string, content []byte) error {
	_, err := b.client.PutObject(ctx, b.bucket, b.prefix+name, bytes.NewReader(content), int64(len(content)), minio.PutObjectOptions{DisableMultipart: true})
	return b.wrap(name, err)
}

// Get downloads an object.
func (b *Bucket) Get(ctx context.Context, name string) ([]byte, error) {
	o, err := b.client.GetObject(ctx, b.bucket, b.prefix+name, minio.GetObjectOptions{})
	if err != nil {
		return nil, b.wrap(name, err)
	}
	defer o.Close()
	content, err := io.ReadAll(o) // whether it is there is known only now
	return content, b.wrap(name, err)
}

// List asks for all names, a thousand at a time.
func (b *Bucket) List(ctx context.Context) ([]string, error) {
	var out []string
	for o := range b.client.ListObjects(ctx, b.bucket, minio.ListObjectsOptions{Prefix: b.prefix, Recursive: true}) {
		if o.Err != nil {
			return nil, b.wrap("", o.Err)
		}
		if name := strings.TrimPrefix(o.Key, b.prefix); name != "" && !strings.HasSuffix(name, "/") { // some programs keep folders as objects
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, nil
}

// Delete removes an object.
func (b *Bucket) Delete(ctx context.Context, name string) error {
	return b.wrap(name, b.client.RemoveObject(ctx, b.bucket, b.prefix+name, minio.RemoveObjectOptions{}))
}

// wrap says of which object an error is, and makes one that is not there the one of
// file systems.
func (b *Bucket) wrap(name string, err error) error {
	if err == nil {
		return nil
	}
	at := Scheme + b.bucket + "/" + b.prefix + name
	if r := minio.ToErrorResponse(err); r.StatusCode == http.StatusNotFound && r.Code != minio.NoSuchBucket {
		return fmt.Errorf("%s: %w", at, fs.ErrNotExist)
	}
	return fmt.Errorf("%s: %w", at, err)
}
