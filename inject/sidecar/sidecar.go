// Package sidecar makes what a pod gets in the built-in profile. It is pure, and the same values make the same texts: a pod template that
// differs makes pods roll.
package sidecar

// Port is where the sidecar listens.
const Port = 8080

// MeshAddress is what the names of the mesh resolve to in a pod: a loopback address that nothing else uses, so that rules can tell calls into
// the mesh from all others.
const MeshAddress = "127.0.0.2"
