package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// use is what processes took of the machine.
type use struct {
	wall, cpu time.Duration
	rss       int64 // the most that one of them took, in bytes
	runs      int
}

// measured is a program that runs another and says on file 3 what that took. It stands between because a process begins with the peak of the
// memory of the one that started it (getrusage(2)), and a benchmark whose servers hold thousands of APIs is larger than the program.
const measured = "tykmesh-measured"

func runMeasured() {
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	begin := time.Now()
	err := cmd.Run()
	wall := time.Since(begin)
	if cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintln(os.NewFile(3, "use"), int64(wall), int64(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()), maxRSS(cmd.ProcessState))
	os.Exit(cmd.ProcessState.ExitCode())
}

// run adds what a program takes.
func (u *use) run(b *testing.B, cmd *exec.Cmd) {
	b.Helper()
	between := exec.Command(measured, append([]string{cmd.Path}, cmd.Args[1:]...)...)
	between.Env, between.Stdout = cmd.Env, cmd.Stdout
	var report bytes.Buffer
	between.Stderr = &report
	said, say, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	defer said.Close()
	between.ExtraFiles = []*os.File{say}
	err = between.Run()
	say.Close()
	if err != nil {
		b.Fatalf("%v\n%s", err, report.Bytes())
	}
	var wall, cpu time.Duration
	var rss int64
	if _, err := fmt.Fscan(said, &wall, &cpu, &rss); err != nil {
		b.Fatal(err)
	}
	u.wall, u.cpu, u.rss, u.runs = u.wall+wall, u.cpu+cpu, max(u.rss, rss), u.runs+1
}

func (u *use) report(b *testing.B) {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(u.runs) }
	b.ReportMetric(ms(u.wall), "ms/run")
	b.ReportMetric(ms(u.cpu), "cpu-ms/run")
	b.ReportMetric(float64(u.rss)/(1<<20), "max-MiB")
	b.ReportMetric(0, "ns/op") // the same as ms/run
}

// measure runs the program until the benchmark is over; it returns what the last run printed.
func measure(b *testing.B, start func() *exec.Cmd) (stdout []byte) {
	b.Helper()
	var u use
	for b.Loop() {
		var out bytes.Buffer
		cmd := start()
		cmd.Stdout = &out
		u.run(b, cmd)
		stdout = out.Bytes()
	}
	u.report(b)
	return stdout
}

// BenchmarkStart is how long users wait for a program that has nothing to do. It is to take less than 20 ms.
func BenchmarkStart(b *testing.B) {
	binary := buildProgram(b)
	measure(b, func() *exec.Cmd { return exec.Command(binary, "version") })
}

// BenchmarkThousandServices injects a stream of 1,000 services without a server. It is to take less than 1 s of CPU and 64 MiB.
func BenchmarkThousandServices(b *testing.B) {
	const services = 1000
	binary, folder := buildProgram(b), b.TempDir()
	stream := thousand(services)
	file := filepath.Join(folder, "stream.yaml")
	if err := os.WriteFile(file, []byte(stream), 0o644); err != nil {
		b.Fatal(err)
	}
	config, err := filepath.Abs(filepath.Join(samples, "tykmesh.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(stream)))
	stdout := measure(b, func() *exec.Cmd {
		cmd := exec.Command(binary, "inject", "-q", "--config", config, "--local", filepath.Join(folder, "mesh"), "-f", file)
		cmd.Env = []string{"TYKMESH_INJECTOR_CREATEROUTES=false", "TYKMESH_INJECTOR_ENABLEMESHTLS=false"}
		return cmd
	})
	if n := bytes.Count(stdout, []byte("name: tyk-mesh\n")); n != services {
		b.Fatalf("%d sidecars for %d services", n, services)
	}
}

// thousand is a stream of n services as charts render them: a Deployment and a Service that are injected, between a ConfigMap and an Ingress
// that are not.
func thousand(n int) string {
	var out strings.Builder
	for i := range n {
		name := fmt.Sprintf("service-%04d", i)
		out.WriteString(strings.NewReplacer("NAME", name, "TEXT", strings.Repeat("    key = value # a line of a file\n", 20)).Replace(oneService))
	}
	return out.String()
}

const oneService = `---
# Source: shop/templates/NAME.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: NAME
  namespace: shop
data:
  app.conf: |
TEXT---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME
  namespace: shop
  labels: {app: NAME, team: shop} # who to wake up
spec:
  replicas: 2
  selector:
    matchLabels:
      app: NAME
  template:
    metadata:
      labels:
        app: NAME
      annotations:
        injector.tyk.io/inject: "true"
        injector.tyk.io/route: /NAME
        prometheus.io/scrape: "true"
    spec:
      containers:
        - name: NAME
          image: example.com/shop/NAME:1.0
          ports:
            - name: http
              containerPort: 80
          env:
            - name: LOG_LEVEL
              value: info
            - name: PASSWORD
              valueFrom:
                secretKeyRef: {name: NAME, key: password}
          readinessProbe:
            httpGet: {path: /ready, port: http}
            periodSeconds: 5
          resources:
            requests: {cpu: 100m, memory: 64Mi}
          volumeMounts:
            - name: config
              mountPath: /etc/shop
      volumes:
        - name: config
          configMap:
            name: NAME
---
apiVersion: v1
kind: Service
metadata:
  name: NAME
  namespace: shop
  annotations:
    injector.tyk.io/inject: "true"
spec:
  selector:
    app: NAME
  ports:
    - name: http
      port: 80
      targetPort: http
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: NAME
  namespace: shop
spec:
  rules:
    - host: NAME.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: NAME
                port:
                  number: 8080
`
