package inject_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
)

// checkValid holds an object against what the API server asks of names, ports, mounts, volumes,
// resources and selectors, which decoding alone does not show. Whatever passed before it was
// injected has to pass after.
func checkValid(data json.RawMessage) error {
	into, err := decoded(data)
	if err != nil {
		return err
	}

	switch o := into.(type) {
	case *corev1.Service:
		return checkServicePorts(o.Spec)
	case *corev1.Pod:
		return checkPod(o.ObjectMeta, o.Spec)
	case *corev1.PodTemplate:
		return checkPod(o.Template.ObjectMeta, o.Template.Spec)
	case *corev1.ReplicationController:
		if o.Spec.Template == nil {
			return errors.New("no template")
		}
		return checkPod(o.Spec.Template.ObjectMeta, o.Spec.Template.Spec)
	case *appsv1.Deployment:
		return errors.Join(checkPod(o.Spec.Template.ObjectMeta, o.Spec.Template.Spec), checkSelector(o.APIVersion, o.Spec.Selector, o.Spec.Template))
	case *appsv1.StatefulSet:
		return errors.Join(checkPod(o.Spec.Template.ObjectMeta, o.Spec.Template.Spec), checkSelector(o.APIVersion, o.Spec.Selector, o.Spec.Template))
	case *appsv1.DaemonSet:
		return errors.Join(checkPod(o.Spec.Template.ObjectMeta, o.Spec.Template.Spec), checkSelector(o.APIVersion, o.Spec.Selector, o.Spec.Template))
	case *appsv1.ReplicaSet:
		return errors.Join(checkPod(o.Spec.Template.ObjectMeta, o.Spec.Template.Spec), checkSelector(o.APIVersion, o.Spec.Selector, o.Spec.Template))
	case *batchv1.Job:
		return checkPod(o.Spec.Template.ObjectMeta, o.Spec.Template.Spec)
	case *batchv1.CronJob:
		return checkPod(o.Spec.JobTemplate.Spec.Template.ObjectMeta, o.Spec.JobTemplate.Spec.Template.Spec)
	}

	return nil
}

// checkSelector wants a selector that selects the template's pods, where it is written out.
func checkSelector(apiVersion string, s *metav1.LabelSelector, t corev1.PodTemplateSpec) error {
	if apiVersion != "apps/v1" || s == nil {
		return nil // many inputs leave it out
	}
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return err
	}
	if selector.Empty() || !selector.Matches(labelSet(t.Labels)) {
		return fmt.Errorf("the selector %s does not select the template's labels %v", selector, t.Labels)
	}

	return nil
}

type labelSet map[string]string

func (s labelSet) Has(k string) bool              { _, ok := s[k]; return ok }
func (s labelSet) Get(k string) string            { return s[k] }
func (s labelSet) Lookup(k string) (string, bool) { v, ok := s[k]; return v, ok }

func checkPod(meta metav1.ObjectMeta, spec corev1.PodSpec) (err error) {
	fail := func(format string, args ...any) { err = errors.Join(err, fmt.Errorf(format, args...)) }
	for k := range meta.Annotations {
		if problems := content.IsLabelKey(k); len(problems) > 0 {
			fail("annotation %q: %v", k, problems)
		}
	}

	names, volumes := map[string]bool{}, map[string]bool{}
	for _, v := range spec.Volumes {
		if volumes[v.Name] || len(validation.IsDNS1123Label(v.Name)) > 0 {
			fail("volume %q", v.Name)
		}
		volumes[v.Name] = true
		if reflect.ValueOf(v.VolumeSource).IsZero() {
			fail("volume %q has no source", v.Name)
		}
	}

	ports := map[int32]string{} // of what runs at the same time
	for i, c := range slices.Concat(spec.Containers, spec.InitContainers) {
		init := i >= len(spec.Containers)
		if names[c.Name] || len(validation.IsDNS1123Label(c.Name)) > 0 {
			fail("container %q", c.Name)
		}

		names[c.Name] = true

		native := c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
		if c.RestartPolicy != nil && !native || native && !init {
			fail("container %s: restartPolicy %s", c.Name, *c.RestartPolicy)
		}

		if init && !native && (c.ReadinessProbe != nil || c.StartupProbe != nil || c.LivenessProbe != nil) {
			fail("container %s: an init container has a probe", c.Name)
		}

		err = errors.Join(err, checkContainer(c, volumes))
		for _, p := range c.Ports {
			if p.Protocol != "" && p.Protocol != corev1.ProtocolTCP || init && !native {
				continue
			}
			if other, taken := ports[p.ContainerPort]; taken && other != c.Name {
				fail("containers %s and %s listen on port %d", other, c.Name, p.ContainerPort)
			}
			ports[p.ContainerPort] = c.Name
		}
	}

	for _, a := range spec.HostAliases {
		if len(validation.IsValidIP(nil, a.IP)) > 0 || len(a.Hostnames) == 0 {
			fail("host alias %v", a)
		}
	}

	return err
}

func checkContainer(c corev1.Container, volumes map[string]bool) (err error) {
	fail := func(format string, args ...any) {
		err = errors.Join(err, fmt.Errorf("container %s: "+format, append([]any{c.Name}, args...)...))
	}
	mounted, ports := map[string]bool{}, map[string]bool{}
	for _, m := range c.VolumeMounts {
		if !volumes[m.Name] || mounted[m.MountPath] {
			fail("mount of %q at %q", m.Name, m.MountPath)
		}
		mounted[m.MountPath] = true
	}

	for _, p := range c.Ports {
		if p.Name != "" && (ports[p.Name] || len(validation.IsValidPortName(p.Name)) > 0) || len(validation.IsValidPortNum(int(p.ContainerPort))) > 0 {
			fail("port %q %d", p.Name, p.ContainerPort)
		}
		ports[p.Name] = true
	}

	for _, e := range c.Env {
		if len(validation.IsRelaxedEnvVarName(e.Name)) > 0 || e.Value != "" && e.ValueFrom != nil {
			fail("variable %q", e.Name)
		}
	}

	for name, limit := range c.Resources.Limits {
		if request, ok := c.Resources.Requests[name]; ok && request.Cmp(limit) > 0 {
			fail("asks for %s of %s and may use %s", request.String(), name, limit.String())
		}
	}

	for _, p := range []*corev1.Probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
		if p != nil && p.HTTPGet != nil && p.HTTPGet.Port.Type == intstr.Int && len(validation.IsValidPortNum(p.HTTPGet.Port.IntValue())) > 0 {
			fail("probe of port %s", p.HTTPGet.Port.String())
		}
	}

	return err
}

func checkServicePorts(spec corev1.ServiceSpec) (err error) {
	names, numbers := map[string]bool{}, map[string]bool{}
	for _, p := range spec.Ports {
		number := fmt.Sprint(p.Protocol, p.Port)
		switch {
		case p.Name == "" && len(spec.Ports) > 1:
			err = errors.Join(err, fmt.Errorf("port %d needs a name beside others", p.Port))
		case p.Name != "" && (names[p.Name] || len(validation.IsDNS1123Label(p.Name)) > 0):
			err = errors.Join(err, fmt.Errorf("port name %q", p.Name))
		}

		if numbers[number] || len(validation.IsValidPortNum(int(p.Port))) > 0 {
			err = errors.Join(err, fmt.Errorf("port %d; there are %v", p.Port, slices.Sorted(maps.Keys(numbers))))
		}

		names[p.Name], numbers[number] = true, true
	}

	return err
}
