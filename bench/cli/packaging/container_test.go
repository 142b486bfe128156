//go:build unix

package packaging

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// stage is a stage of a container file: the folder that is its root, where it works,
// and whether it begins from nothing.
type stage struct {
	root, work string
	empty      bool
}

// at is a path of the image in the folder that stands for it.
func (s stage) at(path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.work, path)
	}
	return filepath.Join(s.root, path)
}

// The steps of the container file, one by one: each stage is a folder, a command runs
// in its folder with this machine's Go in place of the image's, and the last stage,
// which has no system, is entered by chroot with the file's user, to show that the
// program needs nothing else.
func TestContainerfile(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(top, ".tools/Containerfile"))
	if err != nil {
		t.Fatal(err)
	}
	stages := map[string]*stage{}
	var now *stage
	var entry string
	for line := range strings.Lines(string(text)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		words := strings.Fields(rest)
		switch word {
		case "", "#":
		case "FROM":
			now = &stage{root: t.TempDir(), work: "/", empty: words[0] == "scratch"}
			if !now.empty && !regexp.MustCompile(`^[a-z0-9.]+/[a-z/]+:[0-9]+\.[0-9]+\.[0-9]+-[a-z]+(@sha256:[0-9a-f]{64})?$`).MatchString(words[0]) {
				t.Errorf("%s is not pinned to one version", words[0])
			}
			if len(words) == 3 {
				stages[words[2]] = now
			}
		case "WORKDIR":
			now.work = words[0]
			must(t, os.MkdirAll(now.at("."), 0o755))
		case "COPY":
			from := stage{root: top, work: "/"}
			if name, ok := strings.CutPrefix(words[0], "--from="); ok {
				from, words = *stages[name], words[1:]
			}
			for _, src := range words[:len(words)-1] {
				copyInto(t, from, src, *now, words[len(words)-1])
			}
		case "RUN":
			cmd := exec.CommandContext(t.Context(), "sh", "-ec", rest)
			cmd.Dir = now.at(".")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", line, err, out)
			}
		case "USER":
			if words[0] != "65534:65534" {
				t.Errorf("the image runs as %s", words[0])
			}
		case "ENTRYPOINT":
			entry = strings.Trim(rest, `[]"`)
		default:
			t.Fatalf("the test does not know how to run %s", line)
		}
	}
	if !now.empty {
		t.Fatal("the last stage has a system")
	}

	cmd := exec.CommandContext(t.Context(), now.at(entry), "list", "presets")
	if os.Getuid() == 0 && runtime.GOOS == "linux" {
		must(t, os.Chmod(now.root, 0o755))
		cmd.Path, cmd.Dir = entry, now.work
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: now.root, Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "quick ") {
		t.Errorf("%s list presets: %v\n%s", entry, err, out)
	}
}

// copyInto is COPY: of a folder what is in it. The certificates of the image stand for
// those of a machine that may have none.
func copyInto(t *testing.T, from stage, src string, to stage, dst string) {
	t.Helper()
	target := to.at(dst)
	if strings.HasSuffix(dst, "/") {
		target = filepath.Join(target, filepath.Base(src))
	}
	must(t, os.MkdirAll(filepath.Dir(target), 0o755))
	if strings.HasPrefix(src, "/etc/") {
		must(t, os.WriteFile(target, nil, 0o644))
		return
	}
	info, err := os.Stat(from.at(src))
	must(t, err)
	if !info.IsDir() {
		b, err := os.ReadFile(from.at(src))
		must(t, err)
		must(t, os.WriteFile(target, b, info.Mode()))
		return
	}

	// What the ignore file names, and what git keeps to itself, is no part of it.
	ignored, err := os.ReadFile(filepath.Join(top, ".tools/Containerfile.dockerignore"))
	must(t, err)
	skip := map[string]bool{".git": true}
	for name := range strings.FieldsSeq(string(ignored)) {
		skip[name] = true
	}
	must(t, filepath.WalkDir(from.at(src), func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(from.at(src), p)
		switch {
		case skip[rel]:
			return fs.SkipDir
		case e.IsDir():
			return os.MkdirAll(filepath.Join(target, rel), 0o755)
		case !e.Type().IsRegular():
			return nil
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(target, rel), b, 0o644)
	}))
}
