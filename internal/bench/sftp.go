package main

import (
	"context"
	"fmt"
	"strings"
)

type fetchResult struct{}

func (b *bench) sftp(ctx context.Context) error { return nil }
func (b *bench) fetchRatio() float64            { return 0 }
func (b *bench) fetchTable(w *strings.Builder)  { _ = fmt.Sprint }
