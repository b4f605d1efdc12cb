package httpapi

import "time"

// Uploads is what becomes of finished recordings that go to a store.
type Uploads struct {
	List     []Upload       `json:"list"`     // those that wait, and the last that do no more; 60 at most
	States   map[string]int `json:"states"`   // of those that wait, by every state there is
	Done     int64          `json:"done"`     // recordings, since the relay began
	Failures int64          `json:"failures"` // tries
	Sent     int64          `json:"sent_bytes"`
}

// Upload is one recording on its way to a store.
type Upload struct {
	Stream  string     `json:"stream"`
	File    string     `json:"file"`             // below the folder of recordings
	Target  string     `json:"target,omitempty"` // endpoint, bucket and object
	State   string     `json:"state"`
	Since   time.Time  `json:"since"`
	Sent    int64      `json:"sent_bytes"`
	Total   int64      `json:"total_bytes"`
	Tries   int        `json:"tries"` // that failed
	Class   string     `json:"class,omitempty"`
	Reason  string     `json:"reason,omitempty"`
	NextTry *time.Time `json:"next_try,omitempty"`
}

var (
	uploadsIn      = gauge("uploads", "Recordings that wait to be uploaded, by state.", "state")
	uploadsDone    = counter("uploads_done_total", "Recordings that were uploaded and verified.")
	uploadFailures = counter("upload_failures_total", "Tries to upload a recording that failed.")
	uploadBytes    = counter("upload_sent_bytes_total", "Bytes of recordings sent to stores, those sent again included.")
)

// uploadMetrics are those that collectUploads sends.
func uploadMetrics() []metric { return []metric{uploadsIn, uploadsDone, uploadFailures, uploadBytes} }

func collectUploads(send sender, u Uploads) {
	for state, n := range u.States {
		send(uploadsIn, float64(n), state)
	}
	send(uploadsDone, float64(u.Done))
	send(uploadFailures, float64(u.Failures))
	send(uploadBytes, float64(u.Sent))
}
