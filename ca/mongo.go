package ca

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"golang.org/x/sync/errgroup"
)

const (
	// defaultDatabase is used if the connection string names no database, as in tyk-k8s's driver.
	defaultDatabase = "test"
	// connectTimeout bounds the search for a server and each connection: the driver's 30 seconds
	// are too long for a wrong address.
	connectTimeout = 10 * time.Second
	// maxRecords bounds the records of a listing. tyk-k8s wrote one for each admitted pod, so there
	// can be many.
	maxRecords = 100_000
	// maxListing bounds their total size in bytes: a server may ignore the limit of a query.
	maxListing = 512 << 20
	// maxWrites bounds the changes that are under way at once: a ledger is one small collection,
	// which others use too.
	maxWrites = 4
)

// MongoLedger keeps the records in a MongoDB collection, k8s_ca. It needs no transactions and no
// index except the one of _id, so any server with this protocol will do. It is safe for concurrent
// use.
//
// All methods may return ErrLedgerUnreachable, ErrLedgerUnauthorized, ErrLedgerForbidden and the
// context's error. None of them shows the connection string.
type MongoLedger struct {
	records *mongo.Collection
	errors  mongoErrors
	limit   listingLimit
}

// listingLimit bounds a listing of records.
type listingLimit struct{ records, bytes int }

// OpenMongo connects to the database in a connection string (MongoDB connection string format).
//
// Errors: an invalid connection string, and those of the ledger's methods.
func OpenMongo(ctx context.Context, connStr string) (*MongoLedger, error) {
	// For mongodb+srv, the driver asks DNS, without a context.
	opts, err := until(ctx, func() (*options.ClientOptions, error) { return options.Client().ApplyURI(connStr), nil })
	if err != nil {
		return nil, fmt.Errorf("reading the MongoDB connection string: %w", err)
	}

	opts.SetAppName("tykmesh")
	opts.SetServerSelectionTimeout(bounded(opts.ServerSelectionTimeout)).SetConnectTimeout(bounded(opts.ConnectTimeout))
	client, err := mongo.Connect(opts) // validates the options, and dials in the background
	if err != nil {
		return nil, connectionStringError(err)
	}

	l := &MongoLedger{
		// A secondary may lack a record that another run has just inserted.
		records: client.Database(databaseOf(connStr)).Collection(collection, options.Collection().SetReadPreference(readpref.Primary())),
		errors:  mongoErrors{hosts: strings.Join(opts.Hosts, ", "), clean: withoutSecrets(opts, connStr)},
		limit:   listingLimit{maxRecords, maxListing},
	}

	short, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if err := client.Ping(short, readpref.Primary()); err != nil {
		_ = l.Close(ctx) // the first error says more
		return nil, l.errors.wrap(ctx, "connecting", err)
	}

	return l, nil
}

// String names the servers: "MongoDB at mongo:27017".
func (l *MongoLedger) String() string { return "MongoDB at " + l.errors.hosts }

// bounded returns the timeout of a connection string, or the shorter connectTimeout; 0 would mean
// for ever.
func bounded(asked *time.Duration) time.Duration {
	if asked == nil || *asked <= 0 {
		return connectTimeout
	}
	return min(*asked, connectTimeout)
}

// databaseOf returns the database in a connection string that the driver has accepted. net/url
// cannot parse one with several hosts.
func databaseOf(connStr string) string {
	_, rest, _ := strings.Cut(connStr, "://")
	_, path, _ := strings.Cut(rest, "/")
	name, _, _ := strings.Cut(path, "?")
	if plain, err := url.PathUnescape(name); err == nil && plain != "" {
		return plain
	}
	return defaultDatabase
}

// listed are the fields that Records requests. It is a list of wanted fields, not of unwanted ones,
// so that the private keys of tyk-k8s never leave the server, under any name.
var listed = bson.D{
	{Key: "bundle.certificate", Value: 1}, {Key: fieldFingerprint, Value: 1},
	{Key: "bundlehistory.fingerprint", Value: 1}, {Key: "bundlehistory.replaced", Value: 1},
	{Key: "created", Value: 1}, {Key: "expires", Value: 1}, {Key: "ismeshcert", Value: 1},
	{Key: "namespace", Value: 1}, {Key: "app", Value: 1}, {Key: "role", Value: 1}, {Key: "hosts", Value: 1},
	{Key: "serial", Value: 1}, {Key: "notbefore", Value: 1}, {Key: "state", Value: 1},
}

// Records lists all records of tykmesh and tyk-k8s, ordered by id. It never fetches a private key.
//
// Errors: a document that is no record, more than 100,000 records or 512 MiB.
func (l *MongoLedger) Records(ctx context.Context) ([]Record, error) {
	short, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	const op = "listing the records"
	cursor, err := l.records.Find(short, bson.D{}, options.Find().SetProjection(listed).SetLimit(int64(l.limit.records)+1))
	if err != nil {
		return nil, l.errors.wrap(ctx, op, err)
	}

	defer cursor.Close(short)
	var records []Record
	for size := 0; cursor.Next(short); {
		if len(records) == l.limit.records {
			return nil, fmt.Errorf("%s: more than %d records in %s", op, l.limit.records, collection)
		}
		if size += len(cursor.Current); size > l.limit.bytes {
			return nil, fmt.Errorf("%s: more than %d MiB of them in %s", op, l.limit.bytes>>20, collection)
		}
		var d document
		if err := cursor.Decode(&d); err != nil {
			return nil, fmt.Errorf("%s: the document %v in %s is not a record: %s", op, cursor.Current.Lookup(fieldID), collection, oneLine(err.Error()))
		}

		records = append(records, d.record())
	}

	if err := cursor.Err(); err != nil {
		return nil, l.errors.wrap(ctx, op, err)
	}

	sortRecords(records)

	return records, nil
}

// Insert adds a record.
//
// Errors: ErrRecordExists when its id is taken. Of two concurrent inserts, one fails.
func (l *MongoLedger) Insert(ctx context.Context, r Record) error {
	short, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	_, err := l.records.InsertOne(short, newDocument(r))
	if mongo.IsDuplicateKeyError(err) {
		return fmt.Errorf("inserting record %s: %w", r.ID, ErrRecordExists)
	}
	return l.errors.wrap(ctx, "inserting record "+r.ID, err)
}

// Replace replaces the record with r's id by r, if its certificate still has the fingerprint old.
// In one operation of the server, it compares _id and bundle.fingerprint and nothing else: while
// the fingerprint stays, the state only changes from pending to active. If r has another
// fingerprint, the old certificate moves to the history.
//
// Errors: ErrRecordChanged when there is no such record.
func (l *MongoLedger) Replace(ctx context.Context, old string, r Record) error {
	short, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	op := "replacing record " + r.ID
	filter := bson.D{{Key: fieldID, Value: r.ID}, {Key: fieldFingerprint, Value: old}}

	update := bson.D{{Key: "$set", Value: newContent(r)}}
	if r.Fingerprint != old {
		// Reading before comparing is safe: a fingerprint identifies one certificate.
		var d document
		if err := l.records.FindOne(short, filter).Decode(&d); err != nil {
			return l.errors.wrap(ctx, op, changed(err))
		}
		update = append(update, bson.E{Key: "$push", Value: bson.D{{Key: fieldHistory, Value: d.Content.Bundle.past(r.Created)}}})
	}

	result, err := l.records.UpdateOne(short, filter, update)
	if err == nil && result.MatchedCount == 0 {
		err = ErrRecordChanged
	}

	return l.errors.wrap(ctx, op, err)
}

// Write makes changes, a few at a time, and returns an error for each: those of Insert and Replace.
// A change that fails stops no other.
func (l *MongoLedger) Write(ctx context.Context, changes []Change) []error {
	errs := make([]error, len(changes))
	var g errgroup.Group
	g.SetLimit(maxWrites)
	for i, c := range changes {
		g.Go(func() error {
			if c.IsNew {
				errs[i] = l.Insert(ctx, c.Record)
			} else {
				errs[i] = l.Replace(ctx, c.Old, c.Record)
			}
			return nil
		})
	}

	_ = g.Wait()

	return errs
}

// changed returns ErrRecordChanged for an empty result, and any other error unchanged.
func changed(err error) error {
	if errors.Is(err, mongo.ErrNoDocuments) {
		return ErrRecordChanged
	}
	return err
}

// Delete deletes a record if its certificate has the fingerprint; deleting an absent one succeeds.
//
// Errors: ErrRecordChanged when it has another certificate.
func (l *MongoLedger) Delete(ctx context.Context, id, fingerprint string) error {
	short, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	op := "deleting record " + id

	key := bson.E{Key: fieldID, Value: id}
	if legacy, err := bson.ObjectIDFromHex(id); err == nil { // ids of tykmesh contain slashes
		key.Value = legacy
	}

	result, err := l.records.DeleteOne(short, bson.D{key, {Key: fieldFingerprint, Value: fingerprint}})
	if err != nil || result.DeletedCount > 0 {
		return l.errors.wrap(ctx, op, err)
	}

	switch err := l.records.FindOne(short, bson.D{key}, options.FindOne().SetProjection(bson.D{{Key: fieldID, Value: 1}})).Err(); {
	case errors.Is(err, mongo.ErrNoDocuments):
		return nil
	case err != nil:
		return l.errors.wrap(ctx, op, err)
	}

	return l.errors.wrap(ctx, op, ErrRecordChanged)
}

// Close closes the connections. It notifies the server, unless ctx has ended.
func (l *MongoLedger) Close(ctx context.Context) error {
	short, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	// The driver waits for a connection in progress and ignores its context.
	_, err := until(ctx, func() (struct{}, error) { return struct{}{}, l.records.Database().Client().Disconnect(short) })
	return l.errors.wrap(ctx, "disconnecting", err)
}
