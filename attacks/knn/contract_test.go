package knn_test

import (
	"testing"

	"veilbench/attacks/attacktest"
	"veilbench/attacks/knn"
)

func TestContractOfEventKNN(t *testing.T) { attacktest.Run(t, knn.EventKNN{PairS: 5}) }

func TestContractOfEventAlign(t *testing.T) {
	attacktest.Run(t, knn.EventAlign{PairS: 5, Acks: "auto", First: 300})
}
