package seed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"google.golang.org/protobuf/encoding/protowire"
)

// magic is what the API server puts before an object in protobuf.
var magic = []byte("k8s\x00")

// The numbers of the fields that lead to an object's metadata: of the wrapper
// (runtime.Unknown), of any object, of ObjectMeta and of what it holds.
const (
	wrapperRaw      = 2
	objectMeta      = 1
	metaUID         = 5
	metaCreated     = 8
	metaManaged     = 17
	managedTime     = 4
	timeSeconds     = 1
	lengthOfSeconds = 5 // the bytes of the varint, from 1978 to 3058
)

// marks are the places in an encoded object that differ from one cluster to
// another, as offsets.
type marks struct {
	uid   string
	times []int // of varints with seconds
	texts []int // of times as RFC 3339 writes them, in UTC and without fractions
}

// find returns the marks of an object that the API server has encoded. It
// needs to know no kinds, as all have the same metadata.
func find(value []byte) (marks, error) {
	var m marks
	body, is := bytes.CutPrefix(value, magic)
	if !is {
		return findJSON(value)
	}
	err := fields(body, len(magic), func(number protowire.Number, raw []byte, at int) error {
		if number != wrapperRaw {
			return nil
		}
		return fields(raw, at, func(number protowire.Number, meta []byte, at int) error {
			if number != objectMeta {
				return nil
			}
			return m.metadata(meta, at)
		})
	})
	return m, err
}

// jsonTime is a time of an object, of one that manages it, or of a condition.
var jsonTime = regexp.MustCompile(`"(?:creationTimestamp|time|lastTransitionTime)":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"`)

// findJSON is find for those few objects that are kept in JSON.
func findJSON(value []byte) (marks, error) {
	var object struct {
		Metadata struct {
			UID string `json:"uid"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(value, &object); err != nil {
		return marks{}, fmt.Errorf("it is neither protobuf nor JSON, but %.20q: %w", value, err)
	}
	m := marks{uid: object.Metadata.UID}
	for _, match := range jsonTime.FindAllSubmatchIndex(value, -1) {
		m.texts = append(m.texts, match[2])
	}
	return m, nil
}

func (m *marks) metadata(meta []byte, at int) error {
	return fields(meta, at, func(number protowire.Number, content []byte, at int) error {
		switch number {
		case metaUID:
			m.uid = string(content)
		case metaCreated:
			return m.time(content, at)
		case metaManaged:
			return fields(content, at, func(number protowire.Number, content []byte, at int) error {
				if number != managedTime {
					return nil
				}
				return m.time(content, at)
			})
		}
		return nil
	})
}

func (m *marks) time(content []byte, at int) error {
	number, kind, n := protowire.ConsumeTag(content)
	if n < 0 || number != timeSeconds || kind != protowire.VarintType {
		return nil // no time is set
	}
	if _, length := protowire.ConsumeVarint(content[n:]); length == lengthOfSeconds {
		m.times = append(m.times, at+n)
	}
	return nil
}

// fields calls do for each field of a message that has a length: messages,
// strings and bytes. at is the message's offset, and do gets the content's.
func fields(message []byte, at int, do func(number protowire.Number, content []byte, at int) error) error {
	for offset := 0; offset < len(message); {
		number, kind, n := protowire.ConsumeTag(message[offset:])
		if n < 0 {
			return errors.New("it is cut off")
		}
		offset += n
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, kind, message[offset:]); n < 0 {
				return errors.New("it is cut off")
			}
			offset += n
			continue
		}
		content, n := protowire.ConsumeBytes(message[offset:])
		if n < 0 {
			return errors.New("it is cut off")
		}
		if err := do(number, content, at+offset+n-len(content)); err != nil {
			return err
		}
		offset += n
	}
	return nil
}
