package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// verify is the command verify [DIR]: it prints the hosts of each certificate in the Dashboard's
// store, or in a folder that --local made, and fails if one would not do: if it does not chain to
// the CA, does not hold for a host, or has a key of another.
func verify(ts *testscript.TestScript, _ bool, args []string) {
	var (
		bundles   [][]byte
		authority []byte
	)
	if len(args) > 0 {
		files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "certs", "*.pem"))
		ts.Check(err)
		for _, file := range files {
			bundles = append(bundles, []byte(ts.ReadFile(file)))
		}
		authority = []byte(ts.ReadFile(filepath.Join(args[0], "ca", "ca.pem")))
	} else {
		w := worldOf(ts)
		for _, c := range w.dashboard.Certificates() {
			bundles = append(bundles, w.dashboard.PEM(c.ID))
		}
		authority = w.cfssl.CA.PEM()
	}

	var lines []string
	for _, bundle := range bundles {
		line, err := verifyBundle(bundle, authority, worldOf(ts).now())
		ts.Check(err)
		lines = append(lines, line)
	}

	slices.Sort(lines)
	for _, line := range lines {
		fmt.Fprintln(ts.Stdout(), line)
	}
}

func verifyBundle(bundle, authority []byte, now time.Time) (string, error) {
	pair, err := tls.X509KeyPair(bundle, bundle)
	if err != nil {
		return "", err
	}

	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	between.AppendCertsFromPEM(bundle)
	if len(pair.Leaf.DNSNames) == 0 {
		return "", fmt.Errorf("the certificate of %s has no hosts", pair.Leaf.Subject)
	}

	for _, host := range pair.Leaf.DNSNames {
		for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
			if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: host, KeyUsages: []x509.ExtKeyUsage{usage}, CurrentTime: now}); err != nil {
				return "", fmt.Errorf("the certificate of %s: %w", host, err)
			}
		}
	}

	return fmt.Sprintf("%v: %v", pair.Leaf.Subject, pair.Leaf.DNSNames), nil
}

// manifests is the command manifests FILE: it decodes every document as Kubernetes does, without
// mercy for fields that Kubernetes does not know, and prints what is in it.
func manifests(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: manifests FILE|stdout")
	}

	for i, text := range strings.Split(ts.ReadFile(args[0]), "\n---\n") {
		line, err := decodeManifest([]byte(text))
		if err != nil {
			ts.Fatalf("document %d: %v", i+1, err)
		}
		fmt.Fprintln(ts.Stdout(), line)
	}
}

func decodeManifest(text []byte) (string, error) {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(text, &kind); err != nil {
		return "", err
	}

	switch kind.Kind {
	case "Deployment":
		var d appsv1.Deployment
		err := yaml.UnmarshalStrict(text, &d)
		return fmt.Sprintf("Deployment %s: containers %v, init containers %v, status %q", d.Name, containerNames(d.Spec.Template.Spec.Containers),
			containerNames(d.Spec.Template.Spec.InitContainers), d.Spec.Template.Annotations["injector.tyk.io/status"]), err
	case "CronJob":
		var c batchv1.CronJob
		err := yaml.UnmarshalStrict(text, &c)
		pod := c.Spec.JobTemplate.Spec.Template.Spec
		return fmt.Sprintf("CronJob %s/%s: schedule %q, containers %v, image %q, command %q", c.Namespace, c.Name, c.Spec.Schedule,
			containerNames(pod.Containers), pod.Containers[0].Image, pod.Containers[0].Command), errors.Join(err, restricted(pod))

	case "Service":
		var s corev1.Service
		err := yaml.UnmarshalStrict(text, &s)
		var ports []string
		for _, p := range s.Spec.Ports {
			ports = append(ports, fmt.Sprintf("%d -> %s", p.Port, p.TargetPort.String()))
		}
		return fmt.Sprintf("Service %s: ports %v, status %q", s.Name, ports, s.Annotations["injector.tyk.io/status"]), err
	}

	return "", fmt.Errorf("a %s %s", kind.APIVersion, kind.Kind)
}

// restricted says what keeps a pod out of a namespace with the Pod Security Standard of that name,
// or lets it do more than it has to.
func restricted(pod corev1.PodSpec) error {
	of, off := pod.SecurityContext, func(b *bool) bool { return b != nil && !*b }
	switch {
	case of == nil || of.RunAsNonRoot == nil || !*of.RunAsNonRoot || of.RunAsUser == nil || *of.RunAsUser == 0:
		return errors.New("it may run as root")
	case of.SeccompProfile == nil || of.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault:
		return errors.New("no seccomp profile")
	case !off(pod.AutomountServiceAccountToken):
		return errors.New("it has a token for Kubernetes")
	}

	for _, c := range pod.Containers {
		own := c.SecurityContext
		switch {
		case own == nil || !off(own.AllowPrivilegeEscalation) || own.Capabilities == nil || !slices.Contains(own.Capabilities.Drop, "ALL"):
			return fmt.Errorf("container %s has privileges", c.Name)
		case own.ReadOnlyRootFilesystem == nil || !*own.ReadOnlyRootFilesystem:
			return fmt.Errorf("container %s may write to its image", c.Name)
		case c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero():
			return fmt.Errorf("container %s says nothing of what it needs", c.Name)
		}
	}

	return nil
}

func containerNames(list []corev1.Container) (names []string) {
	for _, c := range list {
		names = append(names, c.Name)
	}
	return names
}

// listFolder is the command tree DIR: files with their modes. A certificate has the name of whom it
// is for.
func listFolder(ts *testscript.TestScript, _ bool, args []string) {
	files, err := filesBelow(ts.MkAbs(args[0]))
	ts.Check(err)
	var lines []string
	for _, file := range files {
		info, err := os.Stat(filepath.Join(ts.MkAbs(args[0]), file))
		ts.Check(err)
		name := filepath.ToSlash(file)
		if leaf, err := parseLeaf([]byte(ts.ReadFile(filepath.Join(args[0], file)))); err == nil && filepath.Dir(file) == "certs" {
			name = "certs/{" + leaf.Subject.CommonName + "}.pem"
		}
		lines = append(lines, fmt.Sprintf("%s %s", info.Mode(), name))
	}

	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[11:], b[11:]) })
	for _, line := range lines {
		fmt.Fprintln(ts.Stdout(), line)
	}
}

func filesBelow(folder string) (files []string, err error) {
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			short, _ := filepath.Rel(folder, path)
			files = append(files, short)
		}
		return err
	})

	return files, err
}

// remember is the command remember DIR, and unchanged DIR fails if a file in it was written since:
// it compares names, modes, times of change and contents.
func remember(ts *testscript.TestScript, _ bool, args []string) {
	worldOf(ts).folders[args[0]] = written(ts, args[0])
}

// unchanged is the other half of remember.
func unchanged(ts *testscript.TestScript, _ bool, args []string) {
	before, ok := worldOf(ts).folders[args[0]]
	if !ok || len(before) == 0 {
		ts.Fatalf("nothing is remembered of %s", args[0])
	}
	if diff := cmp.Diff(before, written(ts, args[0])); diff != "" {
		ts.Fatalf("%s was written to (-before +after):\n%s", args[0], diff)
	}
}

func written(ts *testscript.TestScript, folder string) (lines []string) {
	files, err := filesBelow(ts.MkAbs(folder))
	ts.Check(err)
	for _, file := range files {
		path := filepath.Join(ts.MkAbs(folder), file)
		info, err := os.Stat(path)
		ts.Check(err)
		data, err := os.ReadFile(path)
		ts.Check(err)
		lines = append(lines, fmt.Sprintf("%s %s %s %x", file, info.Mode(), info.ModTime(), sha256.Sum256(bytes.TrimSpace(data))))
	}

	return lines
}
