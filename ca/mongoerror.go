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

// MongoDB's error codes (MongoDB error codes: AuthenticationFailed, Unauthorized).
const (
	codeAuthenticationFailed = 18
	codeAtlas                = 8000 // Atlas, for a wrong password
	codeUnauthorized         = 13
)

// mongoErrors translates the driver's errors, which describe the whole topology and may contain
// secrets. Those are never wrapped; their text is shortened, and the secrets of the connection
// string are cut out.
type mongoErrors struct {
	hosts string
	clean func(error) string // a function, because fmt prints what a field holds
}

// wrap returns the error of an operation; nil stays nil. ctx is the caller's context.
func (m mongoErrors) wrap(ctx context.Context, op string, err error) error {
	var refusal mongo.ServerError
	var reason error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrRecordChanged):
		return fmt.Errorf("%s: %w", op, ErrRecordChanged)
	case ctx.Err() != nil:
		reason = ctx.Err()
	case !errors.As(err, &refusal):
		reason = fmt.Errorf("%w: %s", ErrLedgerUnreachable, m.clean(err))
	case refusal.HasErrorCode(codeAuthenticationFailed), refusal.HasErrorCode(codeAtlas):
		reason = ErrLedgerUnauthorized
	case refusal.HasErrorCode(codeUnauthorized):
		reason = ErrLedgerForbidden
	case mongo.IsNetworkError(err), mongo.IsTimeout(err):
		reason = fmt.Errorf("%w: %s", ErrLedgerUnreachable, m.clean(err))
	default:
		reason = errors.New(m.clean(err))
	}

	return fmt.Errorf("%s: MongoDB at %s: %w", op, m.hosts, reason)
}

// withoutSecrets returns a function that returns an error's text without the connection's secrets.
func withoutSecrets(opts *options.ClientOptions, connStr string) func(error) string {
	secrets := []string{connStr, redacted}
	if opts.Auth != nil && opts.Auth.Password != "" {
		secrets = append(secrets, opts.Auth.Password, redacted)
	}
	replacer := strings.NewReplacer(secrets...)
	return func(err error) string { return oneLine(replacer.Replace(serverSaid(err.Error()))) }
}

// lastError matches the reasons in the driver's description of the topology.
var lastError = regexp.MustCompile(`Last error: ([^{}]+?) *\}`)

// serverSaid returns the useful part of the driver's text: each server's reason, without
// duplicates.
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

// connectionStringError returns the error for an invalid connection string. It omits the driver's
// reason, which quotes the string, unless DNS does not know the host of mongodb+srv.
func connectionStringError(err error) error {
	var lookup *net.DNSError
	if errors.As(err, &lookup) {
		return fmt.Errorf("looking up %s for the MongoDB connection string: %w: %s", lookup.Name, ErrLedgerUnreachable, lookup.Err)
	}
	return errors.New("the MongoDB connection string is not valid; want mongodb://[USER:PASSWORD@]HOST[:PORT][,...]/DATABASE[?OPTIONS], " +
		"with :/?#[]@% in user and password percent-encoded")
}

// mongoHints are the advice for errors of MongoDB.
var mongoHints = []hint{
	{ErrLedgerUnauthorized, "the user and password in CA.mongoConnStr must be those of a MongoDB user"},
	{ErrLedgerForbidden, "the MongoDB user in CA.mongoConnStr must be allowed to read and write the collection " + collection},
	{ErrLedgerUnreachable, "is CA.mongoConnStr right, and reachable from here? from outside of the cluster: kubectl port-forward"},
}

func hintsForMongo(err error) []string { return hintsIn(mongoHints, err) }
