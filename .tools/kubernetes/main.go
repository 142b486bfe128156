// Command kubernetes reads manifests from its input and decodes each, strictly, into
// the type of k8s.io/api that its kind names: a field that Kubernetes does not know, or
// of another type, is an error.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	b, err := io.ReadAll(os.Stdin)
	if err == nil {
		err = check(b)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(b []byte) error {
	for _, doc := range bytes.Split(b, []byte("\n---\n")) {
		var head struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal(doc, &head); err != nil {
			return err
		}
		switch head.APIVersion + " " + head.Kind {
		case "v1 ConfigMap":
			var c corev1.ConfigMap
			if err := yaml.UnmarshalStrict(doc, &c); err != nil {
				return err
			}
			fmt.Printf("ConfigMap %s: %d files\n", c.Name, len(c.Data))
		case "batch/v1 Job":
			var j batchv1.Job
			if err := yaml.UnmarshalStrict(doc, &j); err != nil {
				return err
			}
			if err := says(j); err != nil {
				return fmt.Errorf("job %s: %w", j.Name, err)
			}
			fmt.Printf("Job %s: %s\n", j.Name, strings.Join(j.Spec.Template.Spec.Containers[0].Args, " "))
		default:
			return fmt.Errorf("kind %q of %q", head.Kind, head.APIVersion)
		}
	}
	return nil
}

// says refuses what the types allow and the server does not.
func says(j batchv1.Job) error {
	s := j.Spec
	switch {
	case len(s.Template.Spec.Containers) != 1:
		return fmt.Errorf("%d containers", len(s.Template.Spec.Containers))
	case s.Template.Spec.RestartPolicy != corev1.RestartPolicyNever:
		return fmt.Errorf("restartPolicy %s: a podFailurePolicy wants Never", s.Template.Spec.RestartPolicy)
	case s.BackoffLimitPerIndex != nil && (s.CompletionMode == nil || *s.CompletionMode != batchv1.IndexedCompletion || s.Completions == nil):
		return fmt.Errorf("backoffLimitPerIndex wants completionMode Indexed and completions")
	case s.PodFailurePolicy == nil:
		return fmt.Errorf("no podFailurePolicy")
	}
	for _, r := range s.PodFailurePolicy.Rules {
		switch {
		case r.Action == batchv1.PodFailurePolicyActionFailIndex && s.BackoffLimitPerIndex == nil:
			return fmt.Errorf("FailIndex wants backoffLimitPerIndex")
		case r.OnExitCodes != nil && *r.OnExitCodes.ContainerName != s.Template.Spec.Containers[0].Name:
			return fmt.Errorf("rule for container %s, which there is not", *r.OnExitCodes.ContainerName)
		}
	}
	volumes := map[string]bool{}
	for _, v := range s.Template.Spec.Volumes {
		volumes[v.Name] = true
	}
	for _, m := range s.Template.Spec.Containers[0].VolumeMounts {
		if !volumes[m.Name] {
			return fmt.Errorf("mount of volume %s, which there is not", m.Name)
		}
	}
	return nil
}
