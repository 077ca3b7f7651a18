package main

import (
	"errors"
	"strconv"
)

// dryRunValue is the value of --dry-run. Like kubectl's it also takes client and none.
type dryRunValue bool

func (v *dryRunValue) String() string { return strconv.FormatBool(bool(*v)) }

// Type returns the type of the flag, for help: one that needs no value.
func (*dryRunValue) Type() string { return "bool" }

// IsBoolFlag reports that the flag needs no value.
func (*dryRunValue) IsBoolFlag() bool { return true }

// Set sets the value.
func (v *dryRunValue) Set(text string) error {
	switch text {
	case "client", "true":
		*v = true
	case "none", "false":
		*v = false
	case "server":
		return errors.New("tykmesh asks no API server; write --dry-run, or pipe manifests to kubectl apply --dry-run=server -f -")
	default:
		return errors.New("must be client or none; write --dry-run")
	}

	return nil
}

// addDryRun adds the flag to a command.
func addDryRun(c *command, dryRun *bool, usage string) {
	c.dryRun = dryRun
	flag := c.Flags().VarPF((*dryRunValue)(dryRun), "dry-run", "", usage)
	flag.NoOptDefVal = "true"
}
