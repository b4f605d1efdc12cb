package push_test

import (
	"fmt"
	"testing"

	"github.com/restreamd/restreamd/relay/push"
	"github.com/restreamd/restreamd/relay/secret"
)

func TestPlatformsAreUsable(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range push.Platforms() {
		if p.Name == "" || seen[p.Name] || p.Note == "" {
			t.Errorf("%q has no name, no note, or stands there twice", p.Name)
		}
		seen[p.Name] = true
		if p.URLRequired() {
			if p.URLForm == "" || p.BackupURL != "" {
				t.Errorf("%s asks for a URL without saying what it looks like, or has a backup but no URL", p.Name)
			}
			continue
		}
		for _, url := range []string{p.URL, p.BackupURL} {
			if _, notes, err := push.Parse(p.Name, url, secret.New("k")); err != nil || len(notes) > 0 {
				t.Errorf("%s: %s: %q, %v", p.Name, url, notes, err)
			}
		}
	}
}

// The numbers of the platforms' documents, written down a second time: a slip in the file must not go unseen.
func TestContractsSayWhatThePlatformsSay(t *testing.T) {
	table := []struct{ name, url, says string }{
		{"youtube", "rtmps://a.rtmps.youtube.com:443/live2", "[H.264 HEVC AV1] 51000k gop 2s 4s 0x0@0 rungs 7 | audio true [] 160k [] 0 | false 12h0m0s [ladder]"},
		{"twitch", "rtmp://live.twitch.tv/app", "[H.264] 6000k gop 2s 4s 0x0@0 rungs 0 | audio false [AAC] 320k [48000 44100] 0 | false 48h0m0s []"},
		{"facebook", "rtmps://live-api-s.facebook.com:443/rtmp", "[H.264] 9000k gop 2s 4s 0x0@0 rungs 4 | audio true [AAC] 256k [] 2 | true 8h0m0s []"},
		{"kick", "", "[] 8000k gop 2s 4s 0x0@0 rungs 0 | audio false [] 0k [] 0 | false 0s [max_video_bitrate]"},
		{"x", "", "[] 12000k gop 3s 4s 0x0@60 rungs 0 | audio false [] 128k [] 0 | false 0s [max_audio_bitrate]"},
		{"trovo", "rtmp://livepush.trovo.live/live", "[] 9000k gop 2s 4s 0x0@0 rungs 0 | audio false [] 160k [] 0 | false 0s [max_audio_bitrate]"},
		{"instagram", "rtmps://live-upload.instagram.com:443/rtmp", "[] 6000k gop 0s 0s 720x1280@30 rungs 1 | audio false [AAC] 256k [44100] 0 | false 0s []"},
		{"tiktok", "", "[] 0k gop 0s 0s 0x0@0 rungs 0 | audio false [] 0k [] 0 | false 0s []"},
		{"restream", "rtmp://live.restream.io/live", "[] 0k gop 2s 4s 0x0@0 rungs 0 | audio false [] 0k [] 0 | false 0s []"},
		{"ivs", "", "[] 8500k gop 2s 4s 0x0@0 rungs 0 | audio false [] 0k [] 0 | false 0s []"},
		{"mux", "rtmps://global-live.mux.com:443/app", "[] 0k gop 2s 4s 0x0@0 rungs 0 | audio false [] 0k [] 0 | false 0s []"},
		{"vimeo", "rtmp://rtmp.cloud.vimeo.com/live", "[] 0k gop 2s 4s 0x0@0 rungs 0 | audio false [] 0k [] 0 | false 0s []"},
	}
	if len(push.Platforms()) != len(table) {
		t.Errorf("%d platforms are known, %d are tested", len(push.Platforms()), len(table))
	}
	for _, want := range table {
		p, found := push.Lookup(want.name)
		c := p.Contract
		got := fmt.Sprintf("%v %dk gop %v %v %dx%d@%v rungs %d | audio %v %v %dk %v %d | %v %v %v",
			c.VideoCodecs, c.MaxVideoBitrate/1000, c.GOP, c.MaxGOP, c.MaxWidth, c.MaxHeight, c.MaxFPS, len(c.Ladder),
			c.AudioRequired, c.AudioCodecs, c.MaxAudioBitrate/1000, c.AudioRates, c.MaxChannels,
			c.FixedHeaders, c.Session, c.Weak)
		if !found || p.URL != want.url || got != want.says {
			t.Errorf("%s %s\n got %s\nwant %s", want.name, p.URL, got, want.says)
		}
	}
}

func TestLaddersSayWhatThePlatformsSay(t *testing.T) {
	for name, want := range map[string]string{
		"youtube": "720p60:4000-8000 1080p30:10000-0 1080p60:12000-0 1440p30:15000-0 1440p60:24000-0 " +
			"2160p30:30000-0 2160p60:35000-0 ",
		"facebook":  "720p30:1500-4000 720p60:2250-6000 1080p30:3000-6000 1080p60:4500-9000 ",
		"instagram": "720p30:2250-6000 ",
	} {
		p, _ := push.Lookup(name)
		got := ""
		for _, r := range p.Contract.Ladder {
			got += fmt.Sprintf("%v:%d-%d ", r, r.Min/1000, r.Max/1000)
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", name, got, want)
		}
	}
}

func TestBackupIsTheSecondIngestWithTheSameKey(t *testing.T) {
	youtube, _ := push.Lookup("youtube")
	target, _, err := push.Parse("youtube", "", secret.New("s3cret"))
	if err != nil {
		t.Fatal(err)
	}
	backup, found := youtube.Backup(target)
	if !found || backup.TCURL() != "rtmps://b.rtmps.youtube.com:443/live2?backup=1" || !backup.Key.Equal(target.Key) {
		t.Errorf("backup: %v, %v", backup, found)
	}
	if again, found := youtube.Backup(backup); found {
		t.Errorf("the backup has itself for a backup: %v", again)
	}
	twitch, _ := push.Lookup("twitch")
	if backup, found := twitch.Backup(target); found {
		t.Errorf("twitch has a backup: %v", backup)
	}
}
