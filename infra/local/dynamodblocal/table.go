package dynamodblocal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// CreateTable makes the blueprint's table, with its indexes, its stream and
// its time to live. To a table that is there already it adds the indexes that it
// lacks.
func CreateTable(ctx context.Context, db *dynamodb.Client, name string, t blueprint.Table) error {
	in := &dynamodb.CreateTableInput{
		TableName:           &name,
		BillingMode:         types.BillingModePayPerRequest,
		KeySchema:           keys(t.PartitionKey, t.SortKey),
		StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages},
	}
	attributes := []string{t.PartitionKey, t.SortKey}
	for _, index := range t.Indexes {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: aws.String(index.Name), KeySchema: keys(index.PartitionKey, index.SortKey), Projection: projection(index),
		})
		attributes = append(attributes, index.PartitionKey, index.SortKey)
	}
	in.AttributeDefinitions = definitions(attributes...)
	_, err := db.CreateTable(ctx, in)
	var exists *types.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("make the table: %w", err)
	}
	err = dynamodb.NewTableExistsWaiter(db).Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, 30*time.Second)
	if err != nil {
		return fmt.Errorf("make the table: %w", err)
	}
	if err := addIndexes(ctx, db, name, t); err != nil {
		return err
	}
	return turnOnTTL(ctx, db, name, t.TTLAttribute)
}

func projection(index blueprint.Index) *types.Projection {
	switch {
	case index.KeysOnly:
		return &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}
	case len(index.Attributes) > 0:
		return &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: index.Attributes}
	}
	return &types.Projection{ProjectionType: types.ProjectionTypeAll}
}

func definitions(attributes ...string) (found []types.AttributeDefinition) {
	slices.Sort(attributes)
	for _, a := range slices.Compact(attributes) {
		found = append(found, types.AttributeDefinition{AttributeName: aws.String(a), AttributeType: types.ScalarAttributeTypeS})
	}
	return found
}

// addIndexes adds the indexes that a table of an earlier release lacks, one after
// the other as DynamoDB demands.
func addIndexes(ctx context.Context, db *dynamodb.Client, name string, t blueprint.Table) error {
	for _, index := range t.Indexes {
		active, err := hasIndex(ctx, db, name, index.Name)
		if err != nil {
			return err
		}
		if active {
			continue
		}
		_, err = db.UpdateTable(ctx, &dynamodb.UpdateTableInput{
			TableName:            &name,
			AttributeDefinitions: definitions(index.PartitionKey, index.SortKey),
			GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{
				IndexName: aws.String(index.Name), KeySchema: keys(index.PartitionKey, index.SortKey), Projection: projection(index),
			}}},
		})
		for err == nil && !active {
			active, err = hasIndex(ctx, db, name, index.Name)
			if err == nil && !active {
				time.Sleep(50 * time.Millisecond)
			}
		}
		if err != nil {
			return fmt.Errorf("add the index %s: %w", index.Name, err)
		}
	}
	return nil
}

// hasIndex reports whether a table has an index that can be read.
func hasIndex(ctx context.Context, db *dynamodb.Client, table, index string) (bool, error) {
	out, err := db.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		return false, fmt.Errorf("look at the table: %w", err)
	}
	return slices.ContainsFunc(out.Table.GlobalSecondaryIndexes, func(g types.GlobalSecondaryIndexDescription) bool {
		return aws.ToString(g.IndexName) == index && g.IndexStatus == types.IndexStatusActive
	}), nil
}

// turnOnTTL is a call of its own, so a table may be there without it: when
// somebody stopped Latchkey between the two.
func turnOnTTL(ctx context.Context, db *dynamodb.Client, name, attribute string) error {
	now, err := db.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &name})
	if err != nil {
		return fmt.Errorf("look at time to live: %w", err)
	}
	if now.TimeToLiveDescription.TimeToLiveStatus == types.TimeToLiveStatusEnabled {
		return nil
	}
	_, err = db.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName:               &name,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: &attribute, Enabled: aws.Bool(true)},
	})
	if err != nil {
		return fmt.Errorf("turn on time to live: %w", err)
	}
	return nil
}

func keys(partition, sort string) []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: &partition, KeyType: types.KeyTypeHash},
		{AttributeName: &sort, KeyType: types.KeyTypeRange},
	}
}
