// Package store keeps the domain's records in the one table: their items, the
// conditions under which they may be written, and the one way to change them
// (Decide). Everything that must hold together is one transaction.
//
// It may import the DynamoDB client, the shapes of Lambda's events, shared/table,
// shared/awsenv and the domain packages.
package store

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/table"
)

// Store is the table. It is safe for concurrent use.
type Store struct{ table *table.Table }

// New returns the store over a table of that name.
func New(db *dynamodb.Client, name string) *Store { return &Store{table.New(db, name)} }

// FromEnv returns the store of a Lambda: the table that TABLE names.
func FromEnv(env awsenv.Env) *Store { return &Store{table.FromEnv(env)} }

func entityOf(item Item) string { return table.TextOf(item, "entity") }
