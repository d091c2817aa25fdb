package awsapi

import (
	"encoding/json"
	"io"
)

type dataKeyRequest struct {
	KeyID             string
	KeySpec           string
	NumberOfBytes     int
	CiphertextBlob    []byte
	Plaintext         []byte
	EncryptionContext map[string]string
}

// additional is the encryption context in one form: JSON sorts its keys, and
// none at all is the same as an empty one.
func (r dataKeyRequest) additional() []byte {
	if len(r.EncryptionContext) == 0 {
		return nil
	}
	raw, err := json.Marshal(r.EncryptionContext)
	if err != nil {
		return nil // texts alone: cannot fail
	}
	return raw
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyWithoutPlaintext.html
func (h *Handler) generateDataKey(body []byte) (any, error) {
	var in dataKeyRequest
	if err := json.Unmarshal(body, &in); err != nil || in.KeyID != h.cfg.MetadataKeyID {
		return nil, failure{"NotFoundException", "there is no such key"}
	}
	if (in.KeySpec == "AES_256") == (in.NumberOfBytes == keySize) {
		return nil, failure{"ValidationException", "KeySpec AES_256 or NumberOfBytes 32 is needed, and no other key is made here"}
	}
	key := make([]byte, keySize)
	if _, err := io.ReadFull(h.cfg.Random, key); err != nil {
		return nil, err
	}
	return h.seal(in, key)
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html
func (h *Handler) encrypt(body []byte) (any, error) {
	var in dataKeyRequest
	if err := json.Unmarshal(body, &in); err != nil || in.KeyID != h.cfg.MetadataKeyID {
		return nil, failure{"NotFoundException", "there is no such key"}
	}
	if len(in.Plaintext) == 0 || len(in.Plaintext) > 4096 {
		return nil, failure{"ValidationException", "Plaintext has 1 to 4096 bytes"}
	}
	return h.seal(in, in.Plaintext)
}

func (h *Handler) seal(in dataKeyRequest, plain []byte) (any, error) {
	nonce := make([]byte, h.master.NonceSize())
	if _, err := io.ReadFull(h.cfg.Random, nonce); err != nil {
		return nil, err
	}
	blob := h.master.Seal(nonce, nonce, plain, in.additional())
	return map[string]any{"CiphertextBlob": blob, "KeyId": in.KeyID}, nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
func (h *Handler) decrypt(body []byte) (any, error) {
	var in dataKeyRequest
	n := h.master.NonceSize()
	if err := json.Unmarshal(body, &in); err != nil || len(in.CiphertextBlob) < n {
		return nil, failure{"InvalidCiphertextException", ""}
	}
	if in.KeyID != "" && in.KeyID != h.cfg.MetadataKeyID {
		return nil, failure{"IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation."}
	}
	key, err := h.master.Open(nil, in.CiphertextBlob[:n], in.CiphertextBlob[n:], in.additional())
	if err != nil {
		return nil, failure{"InvalidCiphertextException", ""}
	}
	return map[string]any{"Plaintext": key, "KeyId": h.cfg.MetadataKeyID, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}, nil
}
