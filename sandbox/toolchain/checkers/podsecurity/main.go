// Command podsecurity evaluates the pods and pod templates of a list of Kubernetes objects with the library that
// Pod Security admission itself uses. Input: a JSON list of objects on stdin. Output: one line for each object whose
// pod the level "restricted" forbids. Exit code 1 if there is one, 2 if the input is no such list.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// object is what Pod, Deployment, Job and CronJob have in common.
type object struct {
	Kind     string            `json:"kind"`
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     json.RawMessage   `json:"spec"`
}

// pod finds the metadata and the spec of the object's pods; nil for kinds that have none.
func (o object) pod() (*metav1.ObjectMeta, *corev1.PodSpec, error) {
	var spec corev1.PodSpec
	var template corev1.PodTemplateSpec
	var err error
	switch o.Kind {
	case "Pod":
		if err = json.Unmarshal(o.Spec, &spec); err == nil {
			return &o.Metadata, &spec, nil
		}
	case "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job":
		var outer struct {
			Template *corev1.PodTemplateSpec `json:"template"`
		}
		outer.Template = &template
		err = json.Unmarshal(o.Spec, &outer)
	case "CronJob":
		var outer struct {
			JobTemplate struct {
				Spec struct {
					Template *corev1.PodTemplateSpec `json:"template"`
				} `json:"spec"`
			} `json:"jobTemplate"`
		}
		outer.JobTemplate.Spec.Template = &template
		err = json.Unmarshal(o.Spec, &outer)
	default:
		return nil, nil, nil
	}
	return &template.ObjectMeta, &template.Spec, err
}

func run() (int, error) {
	var objects []object
	if err := json.NewDecoder(os.Stdin).Decode(&objects); err != nil {
		return 2, err
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return 2, err
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	code := 0
	for _, each := range objects {
		metadata, spec, err := each.pod()
		if err != nil {
			return 2, fmt.Errorf("%s %s/%s: %w", each.Kind, each.Metadata.Namespace, each.Metadata.Name, err)
		}
		if spec == nil {
			continue
		}
		if result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, metadata, spec)); !result.Allowed {
			code = 1
			fmt.Printf("%s %s/%s: %s\n", each.Kind, each.Metadata.Namespace, each.Metadata.Name, result.ForbiddenDetail())
		}
	}
	return code, nil
}

func main() {
	code, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "podsecurity:", err)
	}
	os.Exit(code)
}
