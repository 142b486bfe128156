package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"

	"veilbench/bench/cli/command"
)

// mainPackage is the path of the program's main package.
func mainPackage() string {
	if info, ok := debug.ReadBuildInfo(); ok && strings.Contains(info.Path, "/") && !strings.HasSuffix(info.Path, ".test") {
		return info.Path
	}
	return "veilbench/bench/cmd/veilbench" // a test has no program of its own
}

// bundled is the source in an artifact.
type bundled struct {
	commit   string
	modified bool
	mb       int
	treeMB   int // unpacked
}

// bundle writes the source of the program, and of all that it is built from, as a git
// bundle of one commit: it needs no network, it is a fifth as large as the files, and
// the name of the commit is the sum of all of them.
func bundle(ctx context.Context, from, to string) (b bundled, err error) {
	if from == "" {
		if from, err = moduleDir(ctx); err != nil {
			return b, err
		}
	}
	to, err = filepath.Abs(to)
	if err != nil {
		return b, err
	}
	tmp, err := os.MkdirTemp("", "veilbench-source-")
	if err != nil {
		return b, err
	}
	defer os.RemoveAll(tmp)

	// Files as they are, new ones too, but for those that git is told to ignore.
	list, err := tool(ctx, from, nil, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return b, fmt.Errorf("--source %s: want a clone of the program's source, or none: %w", from, err)
	}
	status, err := tool(ctx, from, nil, "git", "status", "--porcelain")
	if err != nil {
		return b, err
	}
	b.modified = status != ""
	for name := range strings.SplitSeq(strings.TrimSuffix(list, "\x00"), "\x00") {
		if err := copyFile(filepath.Join(from, name), filepath.Join(tmp, name)); err != nil {
			return b, err
		}
	}
	if _, err := tool(ctx, from, nil, "go", "mod", "vendor", "-o", filepath.Join(tmp, "vendor")); err != nil {
		return b, err
	}

	if b.treeMB, err = diskMB(tmp); err != nil {
		return b, err
	}

	// The commit has a fixed time and nobody's name, so that the same source is the
	// same commit whoever makes the artifact.
	who := []string{
		"GIT_AUTHOR_NAME=veilbench", "GIT_AUTHOR_EMAIL=veilbench", "GIT_AUTHOR_DATE=2000-01-01T00:00:00Z",
		"GIT_COMMITTER_NAME=veilbench", "GIT_COMMITTER_EMAIL=veilbench", "GIT_COMMITTER_DATE=2000-01-01T00:00:00Z",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"},
		{"add", "-A", "-f", "."},
		{"commit", "-q", "-m", "The program and all that it is built from"},
		{"bundle", "create", "-q", to, "HEAD", "main"},
	} {
		if _, err := tool(ctx, tmp, who, "git", args...); err != nil {
			return b, err
		}
	}
	commit, err := tool(ctx, tmp, who, "git", "rev-parse", "HEAD")
	if err != nil {
		return b, err
	}
	b.commit = strings.TrimSpace(commit)
	info, err := os.Stat(to)
	if err != nil {
		return b, err
	}
	b.mb = int(info.Size()>>20) + 1
	return b, nil
}

// moduleDir is the folder of the program's module, if the working folder is in it.
func moduleDir(ctx context.Context) (string, error) {
	const help = "the program's source is not found from here: name its folder by --source, or write an artifact without it by --source none"
	out, err := tool(ctx, ".", nil, "go", "list", "-m", "-f", "{{.Path}}\t{{.Dir}}")
	if err != nil {
		return "", fmt.Errorf("%s (%w)", help, err)
	}
	path, dir, _ := strings.Cut(strings.TrimSpace(out), "\t")
	if want := command.BuildOf().Module; path != want && want != "" {
		return "", errors.New(help)
	}
	return dir, nil
}

// tool runs a program and returns what it prints; what it complains of is the error.
func tool(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, args[0], err, strings.TrimSpace(complaint.String()))
	}
	return string(out), nil
}

// copyFile copies a file with its mode. A file that git knows and that is gone is
// left out, as it would be in the next commit.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}

	// Nothing is there yet: a name that comes twice would be a fault of the list.
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
