package store

import (
	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Image is an item as a stream record has it.
type Image = map[string]lambdaevents.DynamoDBAttributeValue

// itemOf turns an image into an item: the same values, which Lambda's events
// and the DynamoDB client spell differently.
func itemOf(image Image) Item {
	item := make(Item, len(image))
	for name, v := range image {
		item[name] = valueOf(v)
	}
	return item
}

func valueOf(v lambdaevents.DynamoDBAttributeValue) types.AttributeValue {
	switch v.DataType() {
	case lambdaevents.DataTypeString:
		return &types.AttributeValueMemberS{Value: v.String()}
	case lambdaevents.DataTypeNumber:
		return &types.AttributeValueMemberN{Value: v.Number()}
	case lambdaevents.DataTypeBoolean:
		return &types.AttributeValueMemberBOOL{Value: v.Boolean()}
	case lambdaevents.DataTypeBinary:
		return &types.AttributeValueMemberB{Value: v.Binary()}
	case lambdaevents.DataTypeStringSet:
		return &types.AttributeValueMemberSS{Value: v.StringSet()}
	case lambdaevents.DataTypeMap:
		return &types.AttributeValueMemberM{Value: itemOf(v.Map())}
	case lambdaevents.DataTypeList:
		list := make([]types.AttributeValue, len(v.List()))
		for i, element := range v.List() {
			list[i] = valueOf(element)
		}
		return &types.AttributeValueMemberL{Value: list}
	}
	return &types.AttributeValueMemberNULL{Value: true} // our items hold no other type
}
