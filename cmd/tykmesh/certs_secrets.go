package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/phase"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/cmd/internal/secrets"
	"github.com/tykmesh/tykmesh/inject"
)

// certsSecretsCmd holds the flags of certs secrets.
type certsSecretsCmd struct {
	inputFlags
	outputFlags
	reportFlags
	serverFlags
	namespace string
	all       bool

	record func(*report.Run) // records the Secrets that are written; nil if there is nothing to record
}

func newCertsSecretsCmd(p process) *cobra.Command {
	f := &certsSecretsCmd{outputFlags: outputFlags{fileFlags: fileFlags{secret: true}}}
	f.secrets = issuerSecrets
	c := newCommand(p, &cobra.Command{
		Use:   "secrets",
		Short: "Print the Secrets of a mesh without a Dashboard",
		Long: "secrets prints a Secret for each service in the manifests: its certificate with the private key, signed by CFSSL or by the key of " +
			"CA.keyPath, and with CA.tokenKeyPath its token. It is for Injector.mode: standalone, before and after inject. Pods load a new " +
			"Secret within five minutes, without a restart.\n\n" +
			"It prints only Secrets that are missing or due: a third of their life is left, or the hosts, the CA or the token key have changed. " +
			"If nothing is due, it prints nothing, and kubectl apply -f - fails for lack of input: in jobs use -w FILE, as the examples do. The " +
			"ledger tells it of earlier Secrets. Secrets in the input, as kubectl get prints those of the cluster, count more: one that is not " +
			"there is missing, although the ledger has it. Without them, --all prints all Secrets again, if the cluster has lost one or kubectl " +
			"apply failed. With cert-manager (CA.issuerRef) it prints tokens only.\n\n" +
			"Run it every day, as a cron job or as a Kubernetes CronJob such as testdata/samples/certs-secrets-cronjob.yaml in the source.",
		Example: "  tykmesh certs secrets -f app.yaml | kubectl apply -f -     # the first time\n" +
			"  tykmesh certs secrets -f app.yaml -w due.yaml && { [ ! -s due.yaml ] || kubectl apply -f due.yaml; }     # every day\n" +
			"  kubectl get deploy,sts,ds,svc,secret -A -o yaml | tykmesh certs secrets -w due.yaml     # without manifests and ledger\n" +
			"  tykmesh certs secrets -f app.yaml --dry-run     # prints due Secrets by name\n" +
			"  tykmesh certs secrets -f app.yaml --all -w secrets.yaml",
	}, f.run)

	c.verbs.doing = "issuing"
	c.after = func(r *report.Run) {
		if f.record != nil {
			f.record(r)
		}
	}
	f.flags(c, p)

	return c.Command
}

func (f *certsSecretsCmd) flags(c *command, p process) {
	f.secrets = []string{config.CAKey, config.CAMongoConnStr}
	f.inputFlags.add(c)
	f.addBuild(c)
	f.takePaths(c)
	f.reportFlags.add(c)
	f.addConfig(c)
	f.addWaiting(c)
	f.addParallel(c)
	namespaceFlag(c, &f.namespace)
	f.fileFlags.add(c, "Secrets")
	c.Flags().Lookup("output-file").Usage = "write the Secrets to `FILE`, which only you can read, instead of printing them"
	f.addFormat(c)
	addDryRun(c, &f.dryRun, "print the names of due Secrets, and make none")
	c.Flags().BoolVar(&f.all, "all", false, "make all Secrets again, due or not")
	c.rules = append(c.rules, func() []flagRule {
		return []flagRule{
			{f.dryRun && f.format == formatJSON, "--output json prints Secrets, and a dry run prints none; use one of the two"},
			{f.dryRun && f.file != "", "--dry-run and --output-file exclude each other: a dry run prints no Secrets"},
			{!f.dryRun && f.file == "" && files.IsTerminal(p.stdout),
				"standard output is a terminal, which must not show private keys; pipe it to kubectl apply -f -, or write a file with --output-file FILE"},
		}
	})
}

// run makes the Secrets that are due. The output that it returns prints them.
func (f *certsSecretsCmd) run(ctx context.Context, p process, r *report.Run) (report.Output, error) {
	c, err := loadConfig(p, f.configFlags, r)
	if err != nil {
		return nil, err
	}

	sources, err := f.sources(c, r)
	if err != nil {
		return nil, err
	}

	identities, stored, err := f.read(ctx, p, c, sources.tokenKey, r)
	if err != nil {
		return nil, err
	}
	if len(identities) == 0 {
		r.Lastly("no service of the mesh is in the manifests")
		return nil, nil
	}

	if sources.issuer == nil && sources.tokenKey == nil {
		return nil, tellUnissued(c, identities, r)
	}

	if sources.issuer != nil {
		if err := secrets.CheckHosts(identities); err != nil {
			return nil, err
		}
	}

	ctx, remotely := phase.Begin(ctx, f.timeout, r)

	made, err := f.make(ctx, c, sources, identities, stored, remotely, r)
	if remotely.End() && err == nil {
		err = remotely.InterruptedAtEnd()
	}

	if err != nil {
		return nil, err
	}
	if f.dryRun {
		return r.Plan.Output(), nil
	}

	if hasLedger(c) && len(made) > 0 {
		f.record = func(r *report.Run) { f.keep(context.WithoutCancel(ctx), c, made, r) }
	}

	return f.printed(r, made), nil
}

// printed returns the output that prints the Secrets.
func (f *certsSecretsCmd) printed(r *report.Run, made []secrets.Secret) report.Output {
	write := secrets.Write
	if f.format == formatJSON {
		write = secrets.WriteJSON
	}

	return func() error { return write(r.Stdout(), made) }
}

// sources are where the contents of Secrets come from.
type sources struct {
	issuer    *issuer // nil if tykmesh issues no certificates
	tokenKey  *ca.TokenKey
	publicKey []byte // of the tokens, in PEM
}

// sources returns the issuer and the token key that are configured. It sends nothing.
func (f *certsSecretsCmd) sources(c config.Config, r *report.Run) (s sources, err error) {
	if !c.Standalone() {
		return s, explain.Setting(c, config.InjectorMode, errors.New(
			"is not standalone, so sidecars get their certificates from the Dashboard; inject and tykmesh certs renew issue them"))
	}

	if c.CA.IssuerRef.Name == "" && (c.CA.KeyPath != "" || c.CA.Addr != "") {
		signer, err := newSigner(c, f.now, func(q ca.Call) { signed(r, q) })
		if err != nil {
			return s, err
		}
		s.issuer = new(issuerOf(signer, c, f.now))
	}

	if c.CA.TokenKeyPath != "" {
		if s.tokenKey, s.publicKey, err = tokenKey(c); err != nil {
			return s, explain.Setting(c, config.CATokenKeyPath, err)
		}
	}

	return s, nil
}

// tokenKey returns the key of the mesh's tokens, and its public half in PEM.
func tokenKey(c config.Config) (*ca.TokenKey, []byte, error) {
	key, err := ca.ReadTokenKey(c.CA.TokenKeyPath)
	if err != nil {
		return nil, nil, err
	}
	public, err := key.Public()
	if err != nil {
		return nil, nil, err
	}

	if string(public) != c.CA.TokenKey {
		return nil, nil, fmt.Errorf("is not the private key of the public key in %s; name the two files that tykmesh ca token made", config.CATokenPath)
	}

	return key, public, nil
}

// read returns the services of the manifests, and those Secrets of them that the manifests contain.
func (f *certsSecretsCmd) read(ctx context.Context, p process, c config.Config, key *ca.TokenKey, r *report.Run) (all []secrets.Identity, stored secrets.Stored, err error) {
	docs, err := readDocuments(ctx, p, f.inputFlags, c.File, r)
	if err != nil {
		return nil, stored, err
	}

	wanted := injectSettings(c, registrationFlags{namespace: f.namespace, onSkip: "fail"})
	stream, problems := inject.Inject(docs, wanted)
	if err := explain.Refuse(docs, problems); err != nil {
		return nil, stored, explain.Skippable(err)
	}
	if members, _ := inject.Members(docs, wanted); slices.ContainsFunc(members, func(m inject.Member) bool { return m.Defaulted }) {
		r.Warn("some objects have no namespace: their Secrets are for default, but kubectl apply would put the objects into the namespace of its context; set it with -n NAMESPACE")
	}

	for _, identity := range stream.Identities() {
		all = append(all, secrets.NewIdentity(identity.Service, identity.Hosts))
	}

	stored = secrets.Find(docs, f.namespace, all, key)
	for _, name := range stored.Foreign {
		r.Warn("%s is left alone: tykmesh did not make it; delete it to get another", name)
	}

	return all, stored, nil
}

// make plans the Secrets, and makes them unless it is a dry run.
func (f *certsSecretsCmd) make(ctx context.Context, c config.Config, s sources, identities []secrets.Identity, stored secrets.Stored, remotely *phase.Phase, r *report.Run) ([]secrets.Secret, error) {
	records, err := recordsOf(ctx, c, r)
	if err != nil {
		return nil, remotely.Explain(err)
	}

	remotely.Progress()
	terms, err := f.terms(ctx, s, hasLedger(c))
	if err != nil {
		return nil, remotely.Explain(err)
	}

	due, kept := terms.Due(identities, records, stored)
	steps := stepsOf(due)
	r.Planned(steps, kept)
	r.Plan.Again = "it makes the Secrets anew, because no ledger has them yet"
	if !terms.HasLedger && !stored.Any() {
		r.Warn("without a ledger, every run makes every Secret; set %s or %s, or add the cluster's Secrets to the input: kubectl get secret -A -o yaml",
			config.CALedgerPath, config.CAMongoConnStr)
	}
	if f.dryRun {
		tellSecrets(r, kept, terms.HasLedger && !stored.Whole())
		return nil, nil
	}

	maker := secrets.Maker{
		TokenKey: s.tokenKey, Parallel: f.parallel, Now: f.now,
		Progress: func(made, total int) {
			remotely.Progress()
			r.Plan.Reached(made, total, 0)
		},
	}
	if s.issuer != nil {
		maker.Issue = s.issuer.Issue
	}

	made, err := maker.Make(ctx, due, records, stored)
	if err != nil {
		return nil, remotely.Explain(err)
	}

	for _, step := range steps {
		r.Plan.Ended(report.StatusDone, step, nil)
	}

	tellSecrets(r, kept, terms.HasLedger && !stored.Whole())

	return made, nil
}

// recordsOf returns the records of the ledger; nil without one.
func recordsOf(ctx context.Context, c config.Config, r *report.Run) ([]ca.Record, error) {
	if !hasLedger(c) {
		return nil, nil
	}
	ledger, err := openLedger(ctx, c, r)
	if err != nil {
		return nil, err
	}

	defer func() { _ = ledger.Close(ctx) }()
	return tracedLedger{ledger, r}.Records(ctx)
}

// terms returns the terms on which Secrets are kept.
func (f *certsSecretsCmd) terms(ctx context.Context, s sources, ledger bool) (t secrets.Terms, err error) {
	t = secrets.Terms{HasLedger: ledger, All: f.all, TokenKey: s.publicKey}
	if s.issuer != nil {
		authority, err := s.issuer.CA(ctx)
		if err != nil {
			return t, fmt.Errorf("reading the CA's certificate: %w", err)
		}
		t.Certificate = &ca.Terms{CA: authority, Now: f.now()}
	}

	if s.tokenKey != nil {
		t.Token = &ca.Terms{Now: f.now()}
	}

	return t, nil
}

// keep records the Secrets that are written. If it fails, the Secrets are as good, and the next run
// makes them again.
func (f *certsSecretsCmd) keep(ctx context.Context, c config.Config, made []secrets.Secret, r *report.Run) {
	ctx, remotely := phase.Begin(ctx, f.timeout, r)
	defer remotely.End()

	ledger, err := openLedger(ctx, c, r)
	if err == nil {
		err = secrets.Record(ctx, tracedWrites{ledger, r}, made)
		_ = ledger.Close(ctx)
	}

	if err != nil {
		r.DiagnoseLast(report.Diagnostic{
			Severity: report.Warning,
			Message:  fmt.Sprintf("the Secrets are printed, but the ledger does not have all of them, so the next run makes them again: %v", remotely.Explain(err)),
		})
	}
}
