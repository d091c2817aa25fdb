package latchkey

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/jsii-runtime-go"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// addTable makes the one table. It is a global table from the start, so that a
// replica can be added later without replacing it.
func (l *Latchkey) addTable() {
	if len(l.props.Replicas) > 0 && *awscdk.Token_IsUnresolved(l.stack.Region()) {
		panic("latchkey: Replicas: need a stack whose region is known; set the region of the stack's environment")
	}
	t := blueprint.TheTable()
	text := func(name string) *awsdynamodb.Attribute {
		return &awsdynamodb.Attribute{Name: &name, Type: awsdynamodb.AttributeType_STRING}
	}
	var indexes []*awsdynamodb.GlobalSecondaryIndexPropsV2
	for _, index := range t.Indexes {
		if l.props.OmitByRole && index.Name == blueprint.IndexByRole {
			continue
		}
		projection := awsdynamodb.ProjectionType_ALL
		var attributes *[]*string
		switch {
		case index.KeysOnly:
			projection = awsdynamodb.ProjectionType_KEYS_ONLY
		case len(index.Attributes) > 0:
			projection, attributes = awsdynamodb.ProjectionType_INCLUDE, jsii.Strings(index.Attributes...)
		}
		indexes = append(indexes, &awsdynamodb.GlobalSecondaryIndexPropsV2{
			IndexName: &index.Name, PartitionKey: text(index.PartitionKey), SortKey: text(index.SortKey),
			ProjectionType: projection, NonKeyAttributes: attributes,
		})
	}
	replicas := make([]*awsdynamodb.ReplicaTableProps, len(l.props.Replicas))
	for i, region := range l.props.Replicas {
		replicas[i] = &awsdynamodb.ReplicaTableProps{Region: &region}
	}
	encryption := awsdynamodb.TableEncryptionV2_DynamoOwnedKey()
	if l.props.TableKey != nil {
		encryption = awsdynamodb.TableEncryptionV2_CustomerManagedKey(l.props.TableKey, nil)
	}
	l.Table = awsdynamodb.NewTableV2(l.scope, jsii.String("Table"), &awsdynamodb.TablePropsV2{
		PartitionKey:           text(t.PartitionKey),
		SortKey:                text(t.SortKey),
		GlobalSecondaryIndexes: &indexes,
		TimeToLiveAttribute:    &t.TTLAttribute,
		Billing:                awsdynamodb.Billing_OnDemand(nil),
		DynamoStream:           awsdynamodb.StreamViewType_NEW_AND_OLD_IMAGES,
		Encryption:             encryption,
		Replicas:               &replicas,
		DeletionProtection:     jsii.Bool(l.props.Protected()),
		RemovalPolicy:          l.keep(),
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: jsii.Bool(true),
		},
	})
}

// addKey makes the key that wraps the data keys of the workspaces and the link
// keys. Losing it loses all metadata and every link, so it stays with the table.
func (l *Latchkey) addKey() {
	l.dataKey = awskms.NewKey(l.scope, jsii.String("MetadataKey"), &awskms.KeyProps{
		Description:       jsii.String("Latchkey: wraps the data keys that users' metadata is encrypted under"),
		EnableKeyRotation: jsii.Bool(true),
		RemovalPolicy:     l.keep(),
		// A key can't become a multi-Region key later; being one costs nothing.
		MultiRegion: jsii.Bool(true),
	})
}

// addLinkKeySecret keeps the secret of 0.1.0 unchanged.
func (l *Latchkey) addLinkKeySecret() {
	replicas := make([]*awssecretsmanager.ReplicaRegion, len(l.props.Replicas))
	for i, region := range l.props.Replicas {
		replicas[i] = &awssecretsmanager.ReplicaRegion{Region: &region}
	}
	l.linkKey = awssecretsmanager.NewSecret(l.scope, jsii.String("LinkKey"), &awssecretsmanager.SecretProps{
		Description:    jsii.String("Latchkey: the keys that invitation links are derived from, current and previous"),
		RemovalPolicy:  l.keep(),
		ReplicaRegions: &replicas,
		GenerateSecretString: &awssecretsmanager.SecretStringGenerator{
			SecretStringTemplate: jsii.String(`{"previous":""}`),
			GenerateStringKey:    jsii.String("current"),
			PasswordLength:       jsii.Number(64),
			ExcludePunctuation:   jsii.Bool(true),
		},
	})
	suppress(l.linkKey.Node().DefaultChild(), suppression{"AwsSolutions-SMG4",
		"functions no longer use it"})
}
