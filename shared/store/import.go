package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/table"
	"github.com/latchkey/latchkey/shared/workspace"
)

// ImportRows is a chunk of an import: people who are to be invited, and later what
// became of them.
type ImportRows struct {
	First    int    // the number of its first row in the import, from 1
	N        int    // rows
	Body     string // the request that added them, hashed
	Sealed   []byte // the rows, sealed under the workspace's data key
	Revision int    // 0 for a chunk that is not stored
}

// ImportChange is an import as read and as it is to be, with the chunk that the
// change concerns. Before is zero for a new one.
type ImportChange struct {
	Before, After workspace.Import
	Rows          *ImportRows // as it is to be; nil to leave the rows alone
}

func importFields(f *table.Fields, i *workspace.Import) {
	if f.Writing() {
		putPrimary(f, importKey(i.WorkspaceID, i.ID), entityImport)
		ttl := i.KeptUntil().Unix()
		table.IntOr(f, "ttl", &ttl)
		if i.IsBusy() {
			f.Put("duePk", shard(i.ID))
			f.Put("dueSk", timeText(i.UpdatedAt.Add(workspace.ImportStalled)))
		}
	}
	table.String(f, "status", &i.Status)
	table.String(f, "createdBy", &i.CreatedBy)
	table.StringOr(f, "startedBy", &i.StartedBy)
	f.Time("createdAt", &i.CreatedAt)
	f.Time("updatedAt", &i.UpdatedAt)
	f.TimeOr("startedAt", &i.StartedAt)
	f.TimeOr("endedAt", &i.EndedAt)
	table.Int(f, "rows", &i.Rows)
	table.IntOr(f, "chunks", &i.Chunks)
	table.Int(f, "next", &i.Next)
	table.IntOr(f, "processed", &i.Counts.Processed)
	table.IntOr(f, "created", &i.Counts.Created)
	table.IntOr(f, "exists", &i.Counts.Exists)
	table.IntOr(f, "failed", &i.Counts.Failed)
	table.IntOr(f, "scheduled", &i.Counts.Scheduled)
	table.StringOr(f, "stoppedBy", &i.StoppedBy)
	table.IntOr(f, "revivals", &i.Revivals)
	table.Int(f, "version", &i.Version)
}

func importOfItem(item Item) (workspace.Import, error) {
	key := table.KeyOf(item)
	i := workspace.Import{ID: strings.TrimPrefix(key.SK, prefixImport), WorkspaceID: strings.TrimPrefix(key.PK, prefixWorkspace)}
	if err := table.Decode(item, importFields, &i); err != nil {
		return workspace.Import{}, fmt.Errorf("read an import's item: %w", err)
	}
	return i, nil
}

func importRowsFields(f *table.Fields, r *ImportRows) {
	table.Int(f, "rows", &r.N)
	table.String(f, "body", &r.Body)
	f.Bytes("sealed", &r.Sealed)
	table.Int(f, "revision", &r.Revision)
}

func importRowsOfItem(item Item) (ImportRows, error) {
	sk := table.KeyOf(item).SK
	first, err := strconv.Atoi(sk[strings.LastIndexByte(sk, '#')+1:])
	r := ImportRows{First: first}
	if err == nil {
		err = table.Decode(item, importRowsFields, &r)
	}
	if err != nil {
		return ImportRows{}, fmt.Errorf("read an import's rows: %w", err)
	}
	return r, nil
}

// importRowsWrite puts a chunk, on condition that it is as it was before this
// revision.
func importRowsWrite(i workspace.Import, r ImportRows) table.Write {
	w := put(importRowsKey(i.WorkspaceID, i.ID, r.First), entityImportRows, importRowsFields, &r)
	w.Put["ttl"] = table.Number(int(i.KeptUntil().Unix()))
	w.Condition = table.Missing("pk")
	if r.Revision > 1 {
		w.Condition = table.Is("revision", "=", table.Number(r.Revision-1))
	}
	return w
}

// importing plans the writes of an import's change.
func (p *planner) importing(c ImportChange) {
	w := table.Write{Key: importKey(c.After.WorkspaceID, c.After.ID), Put: table.Encode(importFields, &c.After), Condition: table.Missing("pk")}
	if c.Before.ID != "" {
		w.Condition = isVersion(c.Before.Version)
	}
	p.add(w)
	if c.Rows != nil {
		p.add(importRowsWrite(c.After, *c.Rows))
	}
}

// ImportTurn names the step of an import that a write to the table calls for.
type ImportTurn struct {
	WorkspaceID, ImportID string
	Version               int
}

// ImportTurnOf returns the step that an import's image calls for.
func ImportTurnOf(image Image) (ImportTurn, error) {
	i, err := importOfItem(itemOf(image))
	return ImportTurn{i.WorkspaceID, i.ID, i.Version}, err
}

// ListImports returns the imports of a workspace, newest first.
func (s *Store) ListImports(ctx context.Context, workspaceID string) (imports []workspace.Import, err error) {
	first := importKey(workspaceID, "")
	in := &dynamodb.QueryInput{
		KeyConditionExpression:    aws.String("pk = :pk AND begins_with(sk, :sk)"),
		ExpressionAttributeValues: Item{":pk": table.Text(first.PK), ":sk": table.Text(first.SK)},
		ConsistentRead:            aws.Bool(true),
		ScanIndexForward:          aws.Bool(false),
	}
	return imports, s.table.Pages(ctx, in, func(items []Item) (bool, error) {
		for _, item := range items {
			i, err := importOfItem(item)
			if err != nil {
				return false, err
			}
			imports = append(imports, i)
		}
		return true, nil
	})
}

// importPage is how many chunks one query reads; the largest are a quarter of a
// megabyte.
const importPage = 10

// EachImportRows calls take with the chunks of an import from the one that begins
// at row first, in order, until it returns false.
func (s *Store) EachImportRows(ctx context.Context, i workspace.Import, first int, take func(ImportRows) (more bool, err error)) error {
	from, to := importRowsKey(i.WorkspaceID, i.ID, first), importRowsKey(i.WorkspaceID, i.ID, workspace.MaxImportRows)
	return s.eachImportRows(ctx, &dynamodb.QueryInput{
		KeyConditionExpression:    aws.String("pk = :pk AND sk BETWEEN :from AND :to"),
		ExpressionAttributeValues: Item{":pk": table.Text(from.PK), ":from": table.Text(from.SK), ":to": table.Text(to.SK)},
		Limit:                     aws.Int32(importPage),
	}, func(_ string, r ImportRows) (bool, error) { return take(r) })
}

// ChangeImportRows calls change with every chunk of every import of a workspace,
// and writes those that it changes. Where somebody else was faster, it is called
// again with the chunk as they left it.
func (s *Store) ChangeImportRows(ctx context.Context, workspaceID string, change func(importID string, r ImportRows) (next ImportRows, changed bool, err error)) error {
	prefix := Key{PK: prefixWorkspace + workspaceID, SK: prefixImportRows}
	return s.eachImportRows(ctx, &dynamodb.QueryInput{
		KeyConditionExpression:    aws.String("pk = :pk AND begins_with(sk, :sk)"),
		ExpressionAttributeValues: Item{":pk": table.Text(prefix.PK), ":sk": table.Text(prefix.SK)},
		ConsistentRead:            aws.Bool(true),
	}, func(importID string, r ImportRows) (bool, error) {
		for try := 0; ; try++ {
			next, changed, err := change(importID, r)
			if err != nil || !changed {
				return true, err
			}
			next.Revision = r.Revision + 1
			key := importRowsKey(workspaceID, importID, r.First)
			old, lost, err := s.table.Apply(ctx, table.Write{
				Key:       key,
				Update:    table.Update{}.Set("sealed", &types.AttributeValueMemberB{Value: next.Sealed}).Set("revision", table.Number(next.Revision)),
				Condition: table.Is("revision", "=", table.Number(r.Revision)),
			})
			if err != nil || !lost || old == nil {
				return true, err
			}
			if r, err = importRowsOfItem(old); err != nil {
				return false, err
			}
			if err := table.Wait(ctx, try); err != nil {
				return false, err
			}
		}
	})
}

func (s *Store) eachImportRows(ctx context.Context, in *dynamodb.QueryInput, take func(importID string, r ImportRows) (more bool, err error)) error {
	return s.table.Pages(ctx, in, func(items []Item) (more bool, err error) {
		for _, item := range items {
			r, err := importRowsOfItem(item)
			if err != nil {
				return false, err
			}
			importID, _, _ := strings.Cut(strings.TrimPrefix(table.KeyOf(item).SK, prefixImportRows), "#")
			if more, err := take(importID, r); err != nil || !more {
				return false, err
			}
		}
		return true, nil
	})
}
