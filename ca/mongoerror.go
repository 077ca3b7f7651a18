package ca

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// MongoDB's error codes for a wrong user or password and for a user without the right (MongoDB
// error codes: AuthenticationFailed, Unauthorized; 8000 is what Atlas answers a wrong password
// with).
const (
	codeAuthenticationFailed = 18
	codeAtlas                = 8000
	codeUnauthorized         = 13
)

// mongoErrors turns the driver's errors into ours. The driver's describe the whole topology and
// were not made to be free of secrets, so no error of its is ever wrapped; the text is bounded, and
// what is secret of the connection string is cut out of it.
type mongoErrors struct {
	hosts string
	clean func(error) string // a function, because fmt prints what a field holds
}

// wrap says what op of the ledger failed of; nil stays nil. ctx is the caller's context.
func (m mongoErrors) wrap(ctx context.Context, op string, err error) error {
	var refusal mongo.ServerError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrRecordChanged):
		return fmt.Errorf("%s: %w", op, ErrRecordChanged)
	case ctx.Err() != nil:
		return fmt.Errorf("%s: MongoDB at %s: %w", op, m.hosts, ctx.Err())
	case !errors.As(err, &refusal):
		return fmt.Errorf("%s: MongoDB at %s: %w: %s", op, m.hosts, ErrLedgerUnreachable, m.clean(err))
	case refusal.HasErrorCode(codeAuthenticationFailed), refusal.HasErrorCode(codeAtlas):
		return fmt.Errorf("%s: MongoDB at %s: %w", op, m.hosts, ErrLedgerUnauthorized)
	case refusal.HasErrorCode(codeUnauthorized):
		return fmt.Errorf("%s: MongoDB at %s: %w", op, m.hosts, ErrLedgerForbidden)
	case mongo.IsNetworkError(err), mongo.IsTimeout(err):
		return fmt.Errorf("%s: MongoDB at %s: %w: %s", op, m.hosts, ErrLedgerUnreachable, m.clean(err))
	}

	return fmt.Errorf("%s: MongoDB at %s: %s", op, m.hosts, m.clean(err))
}

// withoutSecrets gives an error's text without what is secret of a connection.
func withoutSecrets(opts *options.ClientOptions, connStr string) func(error) string {
	secrets := []string{connStr, redacted}
	if opts.Auth != nil && opts.Auth.Password != "" {
		secrets = append(secrets, opts.Auth.Password, redacted)
	}
	replacer := strings.NewReplacer(secrets...)
	return func(err error) string { return oneLine(replacer.Replace(serverSaid(err.Error()))) }
}

// lastError finds why a server could not be reached in the driver's description of the topology.
var lastError = regexp.MustCompile(`Last error: ([^{}]+?) *\}`)

// serverSaid returns the part of the driver's text that says something: the reason of each server,
// once.
func serverSaid(text string) string {
	var reasons []string
	for _, m := range lastError.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(reasons, m[1]) {
			reasons = append(reasons, m[1])
		}
	}

	if len(reasons) == 0 {
		return text
	}

	return strings.Join(reasons, "; ")
}

// connectionStringError says that a connection string is wrong without the driver's reason, which
// quotes it; but for a host of mongodb+srv that DNS does not know.
func connectionStringError(err error) error {
	var lookup *net.DNSError
	if errors.As(err, &lookup) {
		return fmt.Errorf("looking up %s for the MongoDB connection string: %w: %s", lookup.Name, ErrLedgerUnreachable, lookup.Err)
	}
	return errors.New("the MongoDB connection string is not valid; want mongodb://[USER:PASSWORD@]HOST[:PORT][,...]/DATABASE[?OPTIONS], " +
		"with :/?#[]@% in user and password percent-encoded")
}
