"""Biomass: of trees and stands, below the ground, and maps from plots."""
