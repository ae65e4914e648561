package flow_test

import "testing/fstest"

var texts = fstest.MapFS{
	"text/zh.json": {Data: []byte(`{"room.memo": "便函", "action.memo.begin": "发起便函"}`)},
	"text/en.json": {Data: []byte(`{"room.memo": "Memos", "action.memo.begin": "Began a memo"}`)},
}
