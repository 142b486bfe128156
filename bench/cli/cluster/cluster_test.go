package cluster

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func paper() Job {
	return Job{
		Words: []string{"testdata/paper.yaml", "--seed=3", "--dataset=my homes=/data/it's"}, Out: "runs/paper",
		Shards: 16, Workers: 2, Seconds: 7200, MemoryBytes: 1 << 30,
	}
}

// golden compares got with a file; UPDATE_GOLDEN=1 writes the file anew.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	file = filepath.Join("testdata", file)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is\n%s\nwant\n%s", file, got, want)
	}
}

func TestGoldenSlurm(t *testing.T) {
	var b bytes.Buffer
	s := Slurm{Partition: "long", TimeLimit: 90 * time.Minute, Options: []string{"--account=lab", "--exclude=n[1-3]"}}
	if err := s.Write(&b, paper()); err != nil {
		t.Fatal(err)
	}
	golden(t, "slurm.sh", b.Bytes())
	if err := (Slurm{Options: []string{"--account=lab\nrm -rf /"}}).Write(&b, paper()); err == nil {
		t.Error("two lines as one option of sbatch: no error")
	}
}

// fakes puts programs of a cluster that there is none of into the path: sbatch keeps
// what it is given, scontrol has its MaxArraySize.
func fakes(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{
		"sbatch":   "#!/bin/sh\nn=$(($(ls " + dir + "/job* 2>/dev/null | wc -l) + 1))\nif [ $n = 1 ]; then cat > " + dir + "/job1; fi\nprintf '%s\\n' \"$@\" > " + dir + "/job$n.args\ntouch " + dir + "/job$n\necho \"4$n;lab\"\n",
		"scontrol": "#!/bin/sh\necho 'MaxArraySize            = 16'\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return dir
}

// The merge depends on the array however that ends, and an array that is larger than
// the cluster allows is not submitted.
func TestSubmit(t *testing.T) {
	dir := fakes(t)
	var out bytes.Buffer
	j := paper()
	if err := (Slurm{}).Submit(t.Context(), j, &out); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.HasPrefix(got, "shards: job 41\nmerge: job 4") {
		t.Errorf("%q", got)
	}
	job, err := os.ReadFile(filepath.Join(dir, "job1"))
	if err != nil || !strings.Contains(string(job), "#SBATCH --array=0-15\n") || !strings.Contains(string(job), "#SBATCH --time=180\n") {
		t.Errorf("%v:\n%s", err, job)
	}
	args, err := filepath.Glob(filepath.Join(dir, "*.args"))
	if err != nil || len(args) != 2 {
		t.Fatalf("%q, %v", args, err)
	}
	merge, err := os.ReadFile(args[1])
	if err != nil || !strings.Contains(string(merge), "--dependency=afterany:41\n") {
		t.Errorf("%v:\n%s", err, merge)
	}

	j.Shards = 17
	if err := (Slurm{}).Submit(t.Context(), j, &out); err == nil || !strings.Contains(err.Error(), "MaxArraySize") {
		t.Errorf("17 jobs where 16 are allowed: %v", err)
	}
	t.Setenv("PATH", "")
	if err := (Slurm{}).Submit(t.Context(), j, &out); err == nil || !strings.Contains(err.Error(), "no sbatch") {
		t.Errorf("without Slurm: %v", err)
	}
}

// Shells of every make read the words as they were.
func TestParallelLine(t *testing.T) {
	var b bytes.Buffer
	if err := paper().Parallel(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "parallel.sh", b.Bytes())

	// A stand-in for GNU parallel runs the jobs one after the other, and one for the
	// program fails in shard 3: the merge is run all the same.
	dir := t.TempDir()
	for name, text := range map[string]string{
		"parallel":  "#!/bin/sh\nfor c; do :; done\nwhile read i; do sh -c \"$(printf '%s' \"$c\" | sed \"s/{}/$i/g\")\" || code=1; done\nexit ${code:-0}\n",
		"veilbench": "#!/bin/sh\nprintf '<%s>' \"$@\" >> " + dir + "/log; echo >> " + dir + "/log\ncase \"$*\" in *3/16*) exit 1;; esac\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	sh := exec.Command("sh")
	sh.Dir, sh.Stdin, sh.Env = dir, bytes.NewReader(b.Bytes()), append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	if out, err := sh.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	log, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	if len(lines) != 18 || !strings.HasPrefix(lines[16], "<merge>") || !strings.Contains(lines[15], "<--dataset=my homes=/data/it's><--shard><15/16><--out><runs/paper-15>") {
		t.Errorf("%d lines:\n%s", len(lines), log)
	}
}

// kubernetesFiles are the manifests of both kinds: on a volume, and with an object store.
func kubernetesFiles(t *testing.T) map[string][]byte {
	t.Helper()
	var volume, bucket bytes.Buffer
	if err := (Kubernetes{Name: "paper", Image: "registry.example/veilbench:1", Claim: "results"}).Write(&volume, paper()); err != nil {
		t.Fatal(err)
	}
	j := paper()
	j.Words, j.Out = []string{"quick", "--split=leave-one-out"}, "s3://lab/paper"
	if err := (Kubernetes{Name: "paper", Image: "veilbench", Secret: "lab-s3"}).Write(&bucket, j); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"volume.yaml": volume.Bytes(), "bucket.yaml": bucket.Bytes()}
}

func TestGoldenKubernetes(t *testing.T) {
	for file, b := range kubernetesFiles(t) {
		golden(t, file, b)
	}
}

// TestKubernetesTypes decodes the manifests, strictly, into the types of k8s.io/api,
// in a module of its own.
func TestKubernetesTypes(t *testing.T) {
	check := func(b []byte) ([]byte, error) {
		c := exec.Command("go", "run", ".")
		c.Dir, c.Stdin = "../../../.tools/kubernetes", bytes.NewReader(b)
		c.Env = append(os.Environ(), "GOFLAGS=-mod=readonly")
		return c.CombinedOutput()
	}
	if out, err := exec.Command("go", "-C", "../../../.tools/kubernetes", "mod", "download").CombinedOutput(); err != nil {
		if os.Getenv("VEILBENCH_NEED_TOOLS") != "" {
			t.Fatalf("%v: %s", err, out)
		}
		t.Skipf("the types of Kubernetes cannot be had here: %s", out)
	}
	files := kubernetesFiles(t)
	for file, b := range files {
		out, err := check(b)
		if err != nil {
			t.Errorf("%s: %s", file, out)
		}
		t.Logf("%s:\n%s", file, out)
	}
	wrong := bytes.Replace(files["bucket.yaml"], []byte("backoffLimitPerIndex"), []byte("backoffPerIndex"), 1)
	if out, err := check(wrong); err == nil {
		t.Errorf("a field that Kubernetes does not know was not found: %s", out)
	}
}

func TestKubernetesRefuses(t *testing.T) {
	for _, k := range []Kubernetes{{Name: "paper"}, {Name: "My Paper", Claim: "results"}} {
		if err := k.Write(&bytes.Buffer{}, paper()); err == nil {
			t.Errorf("%+v: no error", k)
		}
	}
	j := paper()
	j.Out = "/home/me/paper"
	if err := (Kubernetes{Name: "paper", Claim: "results"}).Write(&bytes.Buffer{}, j); err == nil {
		t.Error("a folder outside of the volume: no error")
	}
}

// A shard that its time limit is about to cut off (USR1) ends its run well and is queued
// again, but not for ever; one that is canceled (TERM) ends. The job is run as it is
// submitted, by a shell, with a run that only waits.
func TestJobIsQueuedAgain(t *testing.T) {
	dir := fakes(t)
	if err := (Slurm{}).Submit(t.Context(), paper(), &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"veilbench": "#!/bin/sh\ntrap 'echo ended >> " + dir + "/log; exit 130' TERM\ntouch " + dir + "/began\nwhile :; do sleep 0.05; done\n",
		"scontrol":  "#!/bin/sh\necho \"$@\" >> " + dir + "/log\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}

	for _, c := range []struct {
		signal   os.Signal
		restarts string
		want     string
	}{
		{syscall.SIGUSR1, "", "ended\nrequeue 41_3\n"},
		{syscall.SIGUSR1, "19", "ended\nrequeue 41_3\n"},
		{syscall.SIGUSR1, "20", "ended\n"},
		{syscall.SIGTERM, "", "ended\n"},
	} {
		os.Remove(filepath.Join(dir, "log"))
		os.Remove(filepath.Join(dir, "began"))
		job := exec.Command("sh", filepath.Join(dir, "job1"))
		job.Env = append(os.Environ(), "SLURM_ARRAY_JOB_ID=41", "SLURM_ARRAY_TASK_ID=3", "SLURM_RESTART_COUNT="+c.restarts)
		if err := job.Start(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			if _, err := os.Stat(filepath.Join(dir, "began")); err == nil {
				break
			}
		}
		time.Sleep(100 * time.Millisecond) // the shell sets its traps behind the start
		if err := job.Process.Signal(c.signal); err != nil {
			t.Fatal(err)
		}
		var exit *exec.ExitError
		if err := job.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 130 {
			t.Errorf("%v after %q turns: %v, want exit code 130", c.signal, c.restarts, err)
		}
		if log, err := os.ReadFile(filepath.Join(dir, "log")); err != nil || string(log) != c.want {
			t.Errorf("%v after %q turns: %q, %v; want %q", c.signal, c.restarts, log, err, c.want)
		}
	}
}
