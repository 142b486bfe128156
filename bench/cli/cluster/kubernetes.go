package cluster

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"

	"veilbench/bench/store/s3"
)

// Kubernetes is what a cluster of pods needs to know beside the job.
type Kubernetes struct {
	// Name is that of the jobs.
	Name string
	// Image holds the program.
	Image string
	// Claim is a volume that all pods share: their working folder, with what the
	// experiment names by a relative path. Results need none in an object store.
	Claim string
	// Secret holds the AWS_ variables of an object store.
	Secret string
}

// workDir is the pods' working folder.
const workDir = "/work"

// Write writes an Indexed Job with a pod for each shard, and a Job with the merge.
// Pods know no order, so the merge begins at once and waits until all is there, or
// nothing more comes.
func (k Kubernetes) Write(w io.Writer, j Job) error {
	if !regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$`).MatchString(k.Name) {
		return fmt.Errorf("--name %s: want small letters, digits and hyphens, 52 at most, as in host names", k.Name)
	}
	bucket := strings.HasPrefix(j.Out, s3.Scheme)
	if !bucket && k.Claim == "" {
		return fmt.Errorf("--out %s: pods share no folder: want s3://bucket/prefix, or a volume by --claim", j.Out)
	}
	if !bucket && filepath.IsAbs(j.Out) && !strings.HasPrefix(j.Out, workDir+"/") {
		return fmt.Errorf("--out %s: want a folder of the volume, such as runs/paper or %s/runs/paper", j.Out, workDir)
	}

	// The file of the experiment goes along, so that pods and this plan cannot differ.
	words, grid := j.Words, ""
	if len(words) > 0 {
		if info, err := os.Stat(words[0]); err == nil && info.Mode().IsRegular() {
			b, err := os.ReadFile(words[0])
			if err != nil {
				return err
			}
			grid = string(b)
			words = append([]string{"/grid/grid.yaml"}, words[1:]...)
		}
	}

	// Kubernetes puts the index of a pod into its arguments by the name of a variable.
	const index = "$(JOB_COMPLETION_INDEX)"
	run := append(append([]string{"run"}, words...), "--shard", fmt.Sprintf("%s/%d", index, j.Shards), "--out", j.shardOut(index), "--jobs", fmt.Sprint(j.Workers))
	merge := []string{"merge", j.Out, "--out", j.merged(), "--wait", "6h"}
	if !bucket {
		merge = []string{"merge"}
		for i := range j.Shards {
			merge = append(merge, j.shardOut(fmt.Sprint(i)))
		}
		merge = append(merge, "--out", j.merged(), "--wait", "6h")
	}
	p := pod{Name: k.Name, Image: k.Image, Claim: k.Claim, Secret: k.Secret, Grid: grid != "", MiB: max(j.MemoryBytes*2>>20, 256), Folder: workDir}
	shard, join := p, p
	shard.Args, shard.CPU = run, fmt.Sprint(j.Workers)
	join.Args, join.CPU = merge, "1"
	t := template.Must(template.New("").Funcs(template.FuncMap{"json": inYAML}).Parse(kubernetesJobs))
	return t.Execute(w, map[string]any{"Name": k.Name, "Shards": j.Shards, "Grid": grid, "Shard": shard, "Merge": join})
}

// pod is what differs between the pods of both jobs, and what does not.
type pod struct {
	Name, Image, Claim, Secret, Folder, CPU string
	Args                                    []string
	MiB                                     int64
	Grid                                    bool // whether there is a file of the experiment
}

// inYAML writes v as JSON, which is YAML too, whatever a name holds.
func inYAML(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// kubernetesJobs is the file. Exit codes of the program decide what is tried again: 1
// says that cells failed, 2 that the words or the data are wrong, and a new pod would
// say the same. A pod that was evicted, or whose node went away, does not count.
const kubernetesJobs = `{{define "pod"}}
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 30
      containers:
        - name: veilbench
          image: {{json .Image}}
          args: {{json .Args}}
          workingDir: {{json .Folder}}
          resources:
            requests: {cpu: {{json .CPU}}, memory: {{.MiB}}Mi}
            limits: {memory: {{.MiB}}Mi}
{{- if .Secret}}
          envFrom:
            - secretRef: {name: {{json .Secret}}}
{{- end}}
          volumeMounts:
            - {name: work, mountPath: {{json .Folder}}}
            - {name: scratch, mountPath: /tmp}
{{- if .Grid}}
            - {name: grid, mountPath: /grid}
{{- end}}
      volumes:
        - name: scratch
          emptyDir: {}
        - name: work
{{- if .Claim}}
          persistentVolumeClaim: {claimName: {{json .Claim}}}
{{- else}}
          emptyDir: {}
{{- end}}
{{- if .Grid}}
        - name: grid
          configMap: {name: {{json .Name}}}
{{- end}}
{{- end -}}
# {{.Shards}} shards of a run and their merge: kubectl apply -f FILE
{{if .Grid -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{json .Name}}
data:
  grid.yaml: {{json .Grid}}
---
{{end -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{json .Name}}
spec:
  completionMode: Indexed
  completions: {{.Shards}}
  parallelism: {{.Shards}}
  backoffLimitPerIndex: 3
  maxFailedIndexes: {{.Shards}}
  podFailurePolicy:
    rules:
      - action: FailIndex
        onExitCodes: {containerName: veilbench, operator: In, values: [1, 2]}
      - action: Ignore
        onPodConditions: [{type: DisruptionTarget}]
  template:
{{- template "pod" .Shard}}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{json (print .Name "-merge")}}
spec:
  backoffLimit: 3
  podFailurePolicy:
    rules:
      - action: FailJob
        onExitCodes: {containerName: veilbench, operator: In, values: [1, 2]}
      - action: Ignore
        onPodConditions: [{type: DisruptionTarget}]
  template:
{{- template "pod" .Merge}}
`
